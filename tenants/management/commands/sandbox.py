"""`manage.py sandbox`: serve the local CXone and RingCentral on this machine until Ctrl-C or SIGTERM."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.sandbox import Sandbox, World, serve


class Command(BaseCommand):
    """Serves two companies; their credentials are on the page at the printed address."""

    help = "Serve a local CXone and RingCentral, with a page to look at them and to arm faults."
    requires_system_checks: list[str] = []  # type: ignore[assignment]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8899, help="port on 127.0.0.1 (default 8899)")
        parser.add_argument(
            "--people", type=int, default=400, help="people of the company acme (default 400)"
        )
        parser.add_argument("--no-limits", action="store_true", help="without RingCentral's rate limits")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            worlds = [World(options["people"], 1, name="acme"), World(40, 2, name="globex")]
        except ValueError as wrong:
            raise CommandError(str(wrong)) from None
        sandbox = Sandbox(worlds)
        sandbox.limits = not options["no_limits"]
        try:
            running = serve(sandbox, port=options["port"])
        except (OSError, OverflowError) as wrong:
            raise CommandError(f"cannot listen on 127.0.0.1:{options['port']}: {wrong}") from None
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with running:
            self.stdout.write(f"Sandbox of acme ({options['people']:,} people) and globex: {running.url}/")
            self.stdout.flush()
            stop.wait()
        self.stdout.write("Sandbox stopped.")
