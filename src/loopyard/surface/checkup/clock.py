"""The clocks that budgets, leases and the event log rest on."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise

from loopyard.surface.checkup.finding import Finding

WATCHED_S = 0.3
LOOK_S = 0.01
JUMP_S = 0.05
OLDEST_YEAR = 2025
"""An earlier date is that of a machine whose clock was never set."""

Reading = tuple[float, float]
"""(monotonic, wall) seconds at one moment."""


def check_clock(readings: list[Reading]) -> Finding:
    """readings: in order, of a short while."""
    steps = [b[0] - a[0] for a, b in pairwise(readings)]
    if min(steps) < 0:
        advice = "budgets cannot be kept here: another kernel or hypervisor setting is needed"
        return Finding("clock", "fail", "the monotonic clock runs backwards", advice)
    drifts = [wall - monotonic for monotonic, wall in readings]
    jump = max(abs(b - a) for a, b in pairwise(drifts))
    today = datetime.fromtimestamp(readings[-1][1], UTC)
    found = f"monotonic, {today:%Y-%m-%d %H:%M} UTC, no jump in {WATCHED_S:g} s"
    if jump > JUMP_S:
        advice = "times in logs will be off, budgets hold: let one service alone set the clock"
        return Finding("clock", "warn", f"the wall clock jumped by {jump:.2f} s", advice)
    if today.year < OLDEST_YEAR:
        advice = "set it (timedatectl set-ntp true): certificates and reports need the date"
        return Finding("clock", "warn", f"the date is {today:%Y-%m-%d}", advice)
    return Finding("clock", "ok", found)


def watch_clocks() -> list[Reading]:
    """Both clocks, every 10 ms for a while."""
    readings = [_reading()]
    while len(readings) < 2 or readings[-1][0] - readings[0][0] < WATCHED_S:
        time.sleep(LOOK_S)
        readings.append(_reading())
    return readings


def _reading() -> Reading:
    """Both at once: where the process was interrupted between them, again."""
    while True:
        before = time.monotonic()
        wall = time.time()
        if time.monotonic() - before < JUMP_S / 5:
            return before, wall
