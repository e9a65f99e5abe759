"""Places at which a test can end the process as a power cut would, to prove that it goes on."""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "LOOPYARD_FAILPOINT"
"""``name`` or ``name:n``: the process kills itself at its n-th pass of that failpoint."""

_passes: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Nothing, unless the environment asks for the end here: SIGKILL, nothing is cleaned up."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    chosen, _, number = wanted.partition(":")
    if chosen != name:
        return
    _passes[name] += 1
    if _passes[name] == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
