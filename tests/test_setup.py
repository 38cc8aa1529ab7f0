"""The tests' own ground."""

from pathlib import Path

from django.conf import settings


def test_tests_keep_nothing_in_the_checkout() -> None:
    assert Path(settings.DATA_DIR).name.startswith("presence-sync-tests-")
