"""Handlers that workers can import, and what their processes are up to, for tests of executors."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from loopyard.core.errors import ConfigError


class Doubler:
    def __init__(self, offset=0):
        self.offset = offset

    def __call__(self, job):
        return 2 * job + self.offset


class Environment:
    def __call__(self, job):
        names = ("LP_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MUJOCO_GL")
        return os.getpid(), {name: os.environ.get(name) for name in names}, "numpy" in sys.modules


class Closing:
    def __init__(self, path):
        self.path = Path(path)

    def __call__(self, job):
        return os.getpid()

    def close(self):
        (self.path / str(os.getpid())).write_text("closed")


class FailingClose(Closing):
    def close(self):
        raise OSError(28, "close: failed")


class Raiser:
    def __call__(self, job):
        if job == "config":
            raise ConfigError("demo.yaml: seed: found 'x', expected an integer")
        if job == "value":
            raise ValueError("plain")
        if job == "full":
            raise OSError(28, "No space left on device")
        if job == "odd":
            raise OddError(1, 2)
        if job == "exit":
            sys.exit(5)
        return lambda: None


class OddError(Exception):
    def __init__(self, one, two):
        super().__init__(f"odd {one} {two}")


def broken():
    raise ConfigError("make_handler: broken")


class Dies:
    """Kills its process on job 3, so many times."""

    def __init__(self, folder, times=1):
        self.folder = Path(folder)
        self.times = times

    def __call__(self, job):
        if job == 3:
            deaths = len(list(self.folder.glob("death-*")))
            if deaths < self.times:
                (self.folder / f"death-{deaths}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        with (self.folder / f"job-{job}").open("a") as file:
            file.write("done\n")
        return job


class WaitsFor:
    """A job is a file that must be there before it ends, or None."""

    def __call__(self, job):
        while job is not None and not Path(job).exists():
            time.sleep(0.02)
        return job


class Large:
    def __call__(self, job):
        return bytes(len(job))


class Printer:
    def __call__(self, job):
        print("from a worker", flush=True)
        return job


class Pids:
    """Leaves a file for each time it is made."""

    def __init__(self, path):
        self.made = Path(path, f"{os.getpid()}-{time.monotonic_ns()}")
        self.made.touch()

    def __call__(self, job):
        time.sleep(job)
        return os.getpid()


class Nice:
    def __call__(self, job):
        return os.getpriority(os.PRIO_PROCESS, 0)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def pids(folder):
    """Of the processes that made a `Pids` handler there."""
    return [int(path.name.partition("-")[0]) for path in folder.iterdir()]


def wait_for(condition, limit_s=30.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
