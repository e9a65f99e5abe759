"""Which process of which machine: named so that its end can be proved."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Owner:
    """A process. boot_id: of the kernel it runs under. pid_space: where ``pid`` counts (containers
    of one machine share a kernel, but not their process numbers). started: clock ticks from boot to
    its start, which tells it from a later process of the same number.
    """

    host: str
    boot_id: str
    pid_space: str
    pid: int
    started: int

    @classmethod
    def this(cls) -> Owner:
        """The process that asks."""
        return cls(socket.gethostname(), _boot_id(), _pid_space(), os.getpid(), _started(None))

    def is_near(self) -> bool:
        """Whether it is, or was, a process of this boot whose number means the same here."""
        here = _boot_id(), _pid_space()
        return bool(self.boot_id) and (self.boot_id, self.pid_space) == here

    def is_proven_dead(self) -> bool:
        """Whether that process is gone for certain. Of one that is not near, nobody can say."""
        if not self.is_near():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's: it lives, but perhaps as another process
        return _started(self.pid) not in (self.started, UNKNOWN)


UNKNOWN, ENDED = -1, -2


def _started(pid: int | None) -> int:
    """Ticks from boot to a process's start (proc_pid_stat(5), field 22). None asks for oneself."""
    try:
        text = (PROC / f"{pid or 'self'}/stat").read_text()
    except OSError:
        return UNKNOWN
    fields = text.rpartition(")")[2].split()
    return ENDED if fields[0] in "ZX" else int(fields[19])


def _boot_id() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _pid_space() -> str:
    try:
        return os.readlink(PROC / "self/ns/pid")
    except OSError:
        return ""
