"""Where a worker on another node stands: it must find there what the head finds here."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loopyard import __version__
from loopyard.core.errors import StoreError, expected

SEEN_S = 5.0
"""How long a new file may take to be seen by another node."""


@dataclass(frozen=True)
class Place:
    """What a worker shares with this process.

    folder: the current one, which relative paths start from. path: where modules come from.
    probe: a file that the worker must see, or None. nice: added to its priority.
    """

    folder: str
    path: tuple[str, ...]
    probe: str | None
    nice: int
    version: str = __version__

    def take(self) -> None:
        """Take this place, in a worker.

        Raises:
            StoreError: the node has not the folder, another one at the probe's path, or another
                Loopyard.
        """
        node = f"node {socket.gethostname()}"
        if __version__ != self.version:
            raise StoreError(expected(node, "loopyard", __version__, f"{self.version}, as here"))
        if not Path(self.folder).is_dir():
            raise StoreError(expected(node, "folder", "nothing", f"{self.folder}, as here"))
        os.chdir(self.folder)
        if self.probe is not None:
            _see(Path(self.probe), node)
        sys.path[:0] = [entry for entry in self.path if entry not in sys.path]
        os.nice(self.nice)


def _see(probe: Path, node: str) -> None:
    deadline = time.monotonic() + SEEN_S
    while not probe.exists():
        if time.monotonic() > deadline:
            found = "another folder" if probe.parent.is_dir() else "nothing"
            wanted = "what is there here: a filesystem that every node mounts at this path"
            raise StoreError(expected(node, str(probe.parent), found, wanted))
        time.sleep(0.1)


@contextmanager
def probe_in(folder: Path | None) -> Iterator[str | None]:
    """The path of a file that lies in the folder meanwhile."""
    if folder is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder.absolute() / f".seen-by-every-node-{secrets.token_hex(8)}"
    probe.touch()
    try:
        yield str(probe)
    finally:
        probe.unlink(missing_ok=True)
