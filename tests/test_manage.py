"""Wrong settings are one line and an exit code, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MANAGE = Path(__file__).parents[1] / "manage.py"


def manage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    quiet = {
        "DATA_DIR": str(folder),
        "ENV_FILE": os.devnull,
        "DATABASE_URL": f"sqlite:///{folder}/empty.sqlite3",
        "DJANGO_SETTINGS_MODULE": "presence_sync.settings",
    }
    return subprocess.run(
        [sys.executable, str(MANAGE), *arguments],
        env=os.environ | quiet | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"Q_WORKERS": "many"}, "Q_WORKERS"),
        ({"Q_WORKERS": "0"}, "the smallest that works is 1"),
        ({"SITE_URL": "foo"}, "begins with http"),
        ({"TIME_ZONE": "Mars/Olympus"}, "Mars/Olympus"),
        ({"DATABASE_URL": "nonsense"}, "DATABASES"),
        ({"DATABASE_URL": "postgres://nobody:x@127.0.0.1:1/none"}, "The database does not answer"),
        ({"CREDENTIAL_KEYS": "wrong"}, "not a Fernet key"),
        ({"CREDENTIAL_KEYS_FILE": "/nope"}, "/nope"),
        ({}, "Was “migrate” run?"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(
    tmp_path: Path, setting: dict[str, str], said: str
) -> None:
    ended = manage(tmp_path, "sync_users", "--all", **setting)
    assert ended.returncode == 1 and said in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
