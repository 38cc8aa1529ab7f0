"""manage.py serve: your own installation, web and worker together, as the environment says."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from mapping.supervise import Supervisor, server_parts

from ._ports import is_free


class Command(BaseCommand):
    help = "Migrate, collect static files, and run web and worker until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not is_free(host, port):
            raise CommandError(f"Port {port} is taken; choose another with --port (make run PORT=…).")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        with Supervisor(self.stdout.write) as supervisor:
            for part in server_parts(f"{host}:{port}"):
                supervisor.start(part)
            self.stdout.write(self.style.SUCCESS(f"Presence Sync: http://{host}:{port}/ (Ctrl-C stops it)"))
            code = supervisor.watch()
        sys.exit(code)
