"""A lease: one process at a time may work on a folder, and a later one can tell who did.

Each holding is a file of its own, ``NAME.TOKEN.json``; the one with the highest token counts. A
file for the next token can be made only once (link(2) fails where the name exists), so that of many
who try one gets it, without a lock that a frozen process could hold for ever. The token fences: who
finds a higher one than its own has lost the lease, however long it slept (Kleppmann, "How to do
distributed locking", 2016).
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from loopyard.core.clock import Clock, SystemClock
from loopyard.core.errors import LeaseError, StoreError, expected
from loopyard.store.atomic import fsync_path, write_json
from loopyard.store.owner import Owner

EXPIRY_S = 20.0
RUN, WATCH = "run", "watch"
"""The leases of a run folder: who runs its campaign, and who watches over that."""


def leases_of(run_folder: Path) -> Path:
    """Where they lie."""
    return run_folder / "leases"


@dataclass(frozen=True)
class Holding:
    """What a holder says of itself.

    beat_wall_s, beat_monotonic_s: its last sign of life. step, progress: what it works on, and a
    count that grows with its work. ended: None while it holds the lease, then how it ended: empty
    for well, else the error's name.
    """

    token: int
    owner: Owner
    expiry_s: float
    beat_wall_s: float
    beat_monotonic_s: float
    beats: int = 0
    step: str = ""
    progress: int = 0
    ended: str | None = None

    def age_s(self, now: Clock, boot_id: str) -> float:
        """Seconds since the last sign of life. Of another boot only the wall time is comparable;
        where clocks disagree about which was first, the distance counts."""
        if boot_id and self.owner.boot_id == boot_id:
            return abs(now.monotonic() - self.beat_monotonic_s)
        return abs(now.wall() - self.beat_wall_s)


def newest_holding(folder: Path, name: str) -> Holding | None:
    """Who holds the lease or held it last; None where nobody ever did.

    Raises:
        StoreError: its file cannot be read.
    """
    while True:
        token = _newest_token(folder, name)
        if token == 0:
            return None
        path = _path(folder, name, token)
        try:
            plain: dict[str, Any] = json.loads(path.read_text())
            return Holding(**{**plain, "owner": Owner(**plain["owner"])})
        except FileNotFoundError:
            continue  # a newer one took its place meanwhile
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path}: not readable as a lease: {error}; remove it") from None


class Lease:
    """The right to work on something, for as long as it is renewed.

    folder: where the lease's files lie. name: of the role, such as ``run``. expiry_s: a holder
    that was not heard of for so long may be replaced. is_dead: whether a process is gone for sure;
    then its lease is free at once.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        expiry_s: float = EXPIRY_S,
        clock: Clock | None = None,
        owner: Owner | None = None,
        is_dead: Callable[[Owner], bool] = Owner.is_proven_dead,
    ) -> None:
        self.folder, self.name = Path(folder), name
        self._expiry_s, self._clock = expiry_s, clock or SystemClock()
        self._owner, self._is_dead = owner or Owner.this(), is_dead
        self._holding: Holding | None = None

    @property
    def token(self) -> int:
        """The fencing token: grows with every acquisition. 0: not acquired."""
        return self._holding.token if self._holding else 0

    def holder(self) -> Holding | None:
        """Who holds the lease now; None where it is free to take."""
        newest = newest_holding(self.folder, self.name)
        if newest is None or newest.ended is not None or self._is_dead(newest.owner):
            return None
        stale = newest.age_s(self._clock, self._owner.boot_id) >= newest.expiry_s
        return None if stale else newest

    def acquire(self) -> None:
        """Take the lease.

        Raises:
            LeaseError: another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            passed = _newest_token(self.folder, self.name)
            held = self.holder()
            if held is not None:
                raise LeaseError(self._held_by(held))
            holding = self._stamped(Holding(passed + 1, self._owner, self._expiry_s, 0.0, 0.0))
            if not self._create(holding):
                continue
            if _newest_token(self.folder, self.name) == holding.token:
                break
            # so slow that others came and went meanwhile
            _path(self.folder, self.name, holding.token).unlink(missing_ok=True)
        self._holding = holding
        self._clear_older()

    def check(self) -> None:
        """Cheap enough for every write: one look at a small folder.

        Raises:
            LeaseError: the lease was lost, or never held.
        """
        if not self.token or _newest_token(self.folder, self.name) != self.token:
            raise LeaseError(self._lost())

    def renew(self, *, step: str = "", progress: int = 0) -> None:
        """A sign of life. Raises LeaseError where the lease was lost."""
        self.check()
        assert self._holding is not None
        more = {"beats": self._holding.beats + 1, "step": step, "progress": progress}
        self._holding = self._stamped(replace(self._holding, **more))
        self._write()

    def release(self, ended: str = "") -> None:
        """Give the lease back and leave word how it ended; nothing where it is lost already."""
        with suppress(LeaseError):
            self.check()
            assert self._holding is not None
            self._holding = self._stamped(replace(self._holding, ended=ended))
            self._write()
        self._holding = None

    def _stamped(self, holding: Holding) -> Holding:
        now = self._clock
        return replace(holding, beat_wall_s=now.wall(), beat_monotonic_s=now.monotonic())

    def _write(self) -> None:
        assert self._holding is not None
        write_json(_path(self.folder, self.name, self.token), asdict(self._holding))

    def _create(self, holding: Holding) -> bool:
        """Whether it was this process that made the file of that token."""
        path = _path(self.folder, self.name, holding.token)
        staged = self.folder / f".{path.name}.new-{os.getpid()}-{secrets.token_hex(4)}"
        write_json(staged, asdict(holding))
        try:
            os.link(staged, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            raise StoreError(
                expected(str(self.folder), "filesystem", str(error), "hard links")
            ) from None
        finally:
            staged.unlink(missing_ok=True)
        fsync_path(self.folder)
        return True

    def _clear_older(self) -> None:
        """Remove what earlier holders left, what they were writing when they died included."""
        for path in self.folder.iterdir():
            match = re.match(rf"\.?{re.escape(self.name)}\.(\d+)\.json", path.name)
            if match is not None and int(match[1]) < self.token:
                path.unlink(missing_ok=True)

    def _held_by(self, held: Holding) -> str:
        owner = held.owner
        silent_s = held.age_s(self._clock, self._owner.boot_id)
        doing = f", in {held.step}" if held.step else ""
        return (
            f"{self.folder.parent}: {self.name}: found process {owner.pid} on {owner.host} at work "
            f"(last heard of {silent_s:.0f} s ago{doing}), expected none; one at a time: "
            "stop it, or wait for its end"
        )

    def _lost(self) -> str:
        newest = newest_holding(self.folder, self.name)
        if newest is None:
            return f"{self.folder}: {self.name}: found no lease, expected one of this process"
        return (
            f"{self.folder.parent}: {self.name}: process {newest.owner.pid} on {newest.owner.host} "
            f"took over (token {newest.token}, this one's is {self.token}); this one stops here "
            "and writes nothing more"
        )


def _path(folder: Path, name: str, token: int) -> Path:
    return folder / f"{name}.{token:06d}.json"


def _newest_token(folder: Path, name: str) -> int:
    """0 where there is none."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return 0
    matches = (re.fullmatch(rf"{re.escape(name)}\.(\d+)\.json", each) for each in names)
    return max((int(match[1]) for match in matches if match), default=0)
