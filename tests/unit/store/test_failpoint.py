"""A failpoint is nothing until it is asked for; then it is the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from loopyard.store.failpoint import VARIABLE, failpoint

SCRIPT = """
from loopyard.store.failpoint import failpoint
for turn in range(3):
    failpoint("other")
    failpoint("here")
    print(turn, flush=True)
"""


def test_not_asked_for_it_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    failpoint("here")


@pytest.mark.parametrize(
    ("wanted", "passed"), [("here", ""), ("here:3", "0\n1\n"), ("nowhere", "0\n1\n2\n")]
)
def test_it_ends_the_process_at_its_nth_pass(wanted: str, passed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, VARIABLE: wanted},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == passed
    assert done.returncode == (0 if wanted == "nowhere" else -signal.SIGKILL)
