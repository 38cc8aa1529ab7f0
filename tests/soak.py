"""python -m tests.soak: many tenants, many runs, real workers, faults at random, kill -9 now and then; nothing is lost.

Everything is thrown away in the end: a folder of its own with a SQLite database, or with --database a database of
its own on that PostgreSQL server. Exit code 1 when an invariant was found broken, see mapping/verify.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

CALM = 3
"""The last runs of each tenant, without faults, edits or the brake: then everybody must be whom the oracle says."""


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="presence-sync-soak-") as folder,
        _database(options, folder) as url,
    ):
        _environment(folder, url)
        import django

        django.setup()
        from tests.storm import Storm

        asked = {name: getattr(options, name) for name in ("tenants", "runs", "minutes", "seed")}
        storm = Storm(folder, calm=CALM, **asked)
        storm.blow(workers=options.workers, processes=options.processes)
    figures = {**storm.figures(), "seconds": round(time.monotonic() - began)}
    for name, figure in figures.items():
        print(f"{name:<16} {figure}")
    return 1 if storm.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument(
        "--runs", type=int, default=20, help=f"of each tenant; the last {CALM} without faults"
    )
    parser.add_argument(
        "--minutes", type=float, default=1e6, help="after so long only the last, calm runs are made"
    )
    parser.add_argument("--seed", type=int, default=1, help="of people, edits and faults")
    parser.add_argument("--workers", type=int, default=2, help="run_worker commands")
    parser.add_argument("--processes", type=int, default=5, help="of each of them")
    parser.add_argument("--database", default="", metavar="URL", help="postgres://user@host/name of a server")
    options = parser.parse_args()
    if options.tenants < 1 or options.runs <= CALM or options.workers < 1 or options.processes < 1:
        parser.error(f"at least 1 tenant, {CALM + 1} runs, 1 worker and 1 process, please")
    if options.database and not options.database.startswith("postgres"):
        parser.error("--database takes a postgres://… URL")
    return options


def _environment(folder: str, url: str) -> None:
    for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "Q_BROKER_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "presence_sync.settings",
        "ENV_FILE": os.devnull,
        "DATA_DIR": folder,
        "DATABASE_URL": url,
        "CACHE_URL": f"filecache://{folder}/cache",
        "SITE_URL": "http://127.0.0.1:8000",
        "LOG_LEVEL": "CRITICAL",
        "SYNC_LEASE_SECONDS": "10",
        "SYNC_BATCH_SIZE": "10",
        "Q_HANG_SECONDS": "20",
    }


@contextmanager
def _database(options: argparse.Namespace, folder: str) -> Iterator[str]:
    if not options.database:
        yield f"sqlite:///{folder}/soak.sqlite3"
        return
    import psycopg

    name = f"presence_sync_soak_{os.getpid()}"
    with psycopg.connect(options.database, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(options.database)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(options.database, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main())
