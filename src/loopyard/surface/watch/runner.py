"""A runner as its supervisor sees it: a child of its own, or one that it found at work."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from loopyard.store.owner import Owner


@dataclass(frozen=True)
class End:
    """A runner is gone. code: its exit code, negative of the signal that killed it; None where it
    was not a child, so that nobody can say."""

    code: int | None


class Runner(Protocol):
    """A process that runs a campaign."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> End | None:
        """None while it lives."""
        ...

    def ask_to_stop(self) -> None:
        """Ask it to write a checkpoint and end."""
        ...

    def kill(self) -> None:
        """End it now, and all that it started."""
        ...


class Child:
    """A runner in a session, and so a process group, of its own: the terminal's Ctrl-C does not
    reach it, and it outlives a killed supervisor, which the next one then finds at work.

    stdout: a descriptor its output goes to; None shares this process's.
    """

    def __init__(self, command: Sequence[str], stdout: int | None = None) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True
        )
        self.pid = self._process.pid
        self._end: End | None = None

    def poll(self) -> End | None:
        if self._end is None:
            look = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, self.pid, look) is not None:
                # before it is buried, its number cannot name another group
                self.kill()
                self._end = End(self._process.wait())
        return self._end

    def ask_to_stop(self) -> None:
        if self._end is None:
            _ask_to_stop(self.pid)

    def kill(self) -> None:
        if self._end is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


class Found:
    """A runner that somebody else started. Its group is killed only where it leads it: a shell
    script's runner shares that of the script."""

    def __init__(self, owner: Owner) -> None:
        self._owner, self.pid = owner, owner.pid

    def poll(self) -> End | None:
        return End(None) if self._owner.is_proven_dead() else None

    def ask_to_stop(self) -> None:
        if self.poll() is None:
            _ask_to_stop(self.pid)

    def kill(self) -> None:
        if self.poll() is not None:
            return
        with suppress(ProcessLookupError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)


def _ask_to_stop(pid: int) -> None:
    """To the runner alone, since it ends its workers itself; one that is frozen must first wake."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
