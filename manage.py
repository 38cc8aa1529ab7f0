#!/usr/bin/env python
"""The commands' door: whatever is wrong with the settings or the database is said in one line."""

import os
import sys
import traceback


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "presence_sync.settings")
    from django.core.management import execute_from_command_line
    from django.db.utils import InterfaceError, OperationalError, ProgrammingError

    read_settings()
    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError, InterfaceError) as error:
        first = str(error).strip().splitlines()[0]
        sys.exit(
            f"The database does not answer as it should: {first}. Is DATABASE_URL right? Was “migrate” run?"
        )
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. A run that was under way is started anew by a worker.\n")
        sys.exit(130)


def read_settings() -> None:
    """Exit with the line of the settings that could not be read, rather than with a traceback."""
    from django.conf import settings

    try:
        _ = settings.DATABASES["default"]["ENGINE"]
    except Exception as error:
        lines = [
            frame.line for frame in traceback.extract_tb(error.__traceback__) if "settings" in frame.filename
        ]
        where = f" at “{lines[-1]}”" if lines else ""
        sys.exit(f"The settings cannot be read{where}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
