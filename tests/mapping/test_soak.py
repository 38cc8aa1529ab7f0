"""The soak itself, small: it runs to its end, tells what it did, and finds nothing."""

import os
import re
import subprocess
import sys

import pytest

from .processes import ROOT

FIGURES = ["runs", "faults injected", "workers killed", "users checked", "violations", "seconds"]


def soak(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.soak", *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_a_small_soak_injects_faults_and_finds_no_violation() -> None:
    ended = soak("--tenants", "6", "--runs", "4", "--workers", "1", "--processes", "2", "--seed", "3")
    told = dict(re.findall(r"^(\D+?) +(\d+)$", ended.stdout, re.MULTILINE))
    assert (ended.returncode, list(told), told["violations"]) == (0, FIGURES, "0"), ended.stderr
    assert int(told["runs"]) >= 24 and int(told["faults injected"]) > 0 and int(told["users checked"]) > 500


@pytest.mark.parametrize("words", [["--runs", "3"], ["--tenants", "0"], ["--database", "sqlite:///x"]])
def test_a_soak_called_wrongly_says_so(words: list[str]) -> None:
    ended = soak(*words)
    assert (ended.returncode, "error:" in ended.stderr) == (2, True)
