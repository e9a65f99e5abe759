"""Runners of a second, as real processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loopyard.store.lease import RUN, Holding, leases_of, newest_holding
from loopyard.surface.watch.runner import Child

LIMIT_S = 60.0

WORK = """
import signal, subprocess, sys, time
from pathlib import Path
from loopyard.cycle.heartbeat import Heartbeat
from loopyard.store.lease import Lease, RUN, leases_of

def interrupt(number, frame):
    raise KeyboardInterrupt

folder, how = Path(sys.argv[1]), sys.argv[2]
worker = subprocess.Popen(["sleep", "3600"])
(folder / "worker").write_text(str(worker.pid))
signal.signal(signal.SIGTERM, signal.SIG_IGN if how == "deaf" else interrupt)
try:
    with Heartbeat(Lease(leases_of(folder), RUN), every_s=0.02) as heartbeat:
        heartbeat.at("train")
        while how != "work" or not (folder / "enough").exists():
            if how == "work":
                heartbeat.progress()
            time.sleep(0.01)
except KeyboardInterrupt:
    (folder / "checkpoint").touch()
    sys.exit(3)
finally:
    worker.kill()
    worker.wait()
"""
"""A campaign of one step. ``work``: until there is a file ``enough``. ``hang`` and ``deaf`` never
end by themselves; the deaf one does not when asked to either."""


class Yard:
    """A run folder, and the runners that were started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: list[Child] = []

    def start(self, how: str = "work") -> Child:
        child = Child([sys.executable, "-c", WORK, str(self.folder), how])
        self.children.append(child)
        return child

    def wait_until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not true():
            assert time.monotonic() < deadline, "what it waited for did not come"
            time.sleep(0.01)

    def holding(self, child: Child) -> Holding | None:
        found = newest_holding(leases_of(self.folder), RUN)
        return found if found is not None and found.owner.pid == child.pid else None

    def at_work(self, child: Child) -> bool:
        found = self.holding(child)
        return found is not None and found.step == "train"

    def worker_is_gone(self) -> bool:
        stat = Path(f"/proc/{(self.folder / 'worker').read_text()}/stat")
        try:
            return stat.read_text().rpartition(")")[2].split()[0] in "ZX"
        except FileNotFoundError:
            return True


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    """A yard whose runners are ended after the test."""
    made = Yard(tmp_path)
    yield made
    for child in made.children:
        if child.poll() is None:
            os.kill(child.pid, signal.SIGCONT)
            child.kill()
            made.wait_until(child.poll)
