"""A process and those it started, as Linux's /proc tells of them."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


class ProcessTree:
    """A process and all that descend from it.

    Each look reads only the tree and processes that are new, so that a machine with thousands of
    others costs no more than one with ten.
    """

    def __init__(self, pid: int) -> None:
        self._tree, self._others = {pid}, set[int]()

    def cpu_and_memory(self) -> tuple[float, int]:
        """(CPU seconds so far, bytes resident) of all of them together.

        CPU of those that ended is in their parents' figures once these have waited for them; what
        several share of memory counts in each (proc(5), /proc/pid/stat, fields 14 to 17 and 24).
        """
        there = {int(name) for name in os.listdir(PROC) if name.isdigit()}
        self._others &= there
        found = {pid: fields for pid in there - self._others if (fields := _stat(pid))}
        members = {pid for pid in found if pid in self._tree}
        while joined := {pid for pid in found.keys() - members if int(found[pid][1]) in members}:
            members |= joined
        self._tree, self._others = members, self._others | (found.keys() - members)
        ticks = sum(int(value) for pid in members for value in found[pid][11:15])
        pages = sum(int(found[pid][21]) for pid in members)
        return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields behind the process's name, which may hold spaces; none once it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()
