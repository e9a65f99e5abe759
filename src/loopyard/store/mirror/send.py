"""Sends what a run folder has and its mirror lacks: blobs, then the listing, then the pointer.

There is no queue beside the run folder that could be lost or differ from it: what is to be sent is
what the one has and the other lacks, asked anew after every restart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loopyard.core.errors import StoreError, expected
from loopyard.store.mirror.layout import (
    Listing,
    Shelf,
    blob_key,
    digest_of,
    pointer_bytes,
    read_pointer,
)
from loopyard.store.mirror.remote import PIPED_BYTES, ChangedError, Remote, checked_bytes
from loopyard.store.mirror.snapshot import Photographer, Snapshot

BATCH = 32
"""Small blobs that are under way at once."""


@dataclass
class Sent:
    """What one sending did.

    changed: files that were not what they should be, so that their shelf was left as it was.
    complete: the mirror has all that the run had when it began.
    """

    blobs: int = 0
    bytes: int = 0
    shelves: int = 0
    changed: list[str] = field(default_factory=list)
    complete: bool = True


class OtherRunError(StoreError):
    """The place holds the mirror of another run."""


class Sender:
    """Brings one mirror up to date, as often as it is asked to."""

    def __init__(self, run: Path, url: str, stop: Callable[[], bool] = lambda: False) -> None:
        """stop: asked between two requests; what is not sent then is sent the next time."""
        self.url, self._stop = url, stop
        self._photographer = Photographer(run)
        self._remote: Remote | None = None
        self._blobs: set[str] = set()
        self._listings: dict[Shelf, str] = {}

    def send(self) -> Sent:
        """Send what is missing.

        Raises:
            OtherRunError: the place holds another run's mirror.
            StoreError: the event log is not whole.
            Exception: whatever the store's library raises; the next call connects anew.
        """
        sent = Sent()
        snapshot = self._photographer.snapshot()
        try:
            remote = self._connected(snapshot)
            for shelf, listing in snapshot.shelves.items():
                self._send_shelf(remote, shelf, listing, snapshot, sent)
        except Exception:
            self._remote = None
            raise
        return sent

    def _connected(self, snapshot: Snapshot) -> Remote:
        """With what the store has asked once a connection: it is the truth of what was sent."""
        if self._remote is None:
            remote = Remote(self.url)
            run = next(iter(snapshot.shelves.values())).run
            self._listings = {}
            for key in remote.pointers():
                found = read_pointer(remote.read(key), f"{self.url}/{key}")
                if found["run"] != run:
                    raise OtherRunError(
                        expected(self.url, "run", found["run"], f"{run}, or an empty place")
                    )
                kind, cycle, _ = key.split("/")
                self._listings[Shelf(kind, cycle)] = found["listing"]
            self._blobs = set(remote.blobs())
            self._remote = remote
        return self._remote

    def _send_shelf(
        self, remote: Remote, shelf: Shelf, listing: Listing, snapshot: Snapshot, sent: Sent
    ) -> None:
        raw = listing.to_bytes()
        digest = digest_of(raw)
        if self._listings.get(shelf) == digest:
            return
        try:
            self._send_blobs(remote, listing, snapshot, sent)
        except (ChangedError, FileNotFoundError) as error:
            sent.changed.append(str(error))
            sent.complete = False
            return
        if self._stop():
            sent.complete = False
            return
        remote.write({f"{shelf.folder}/{digest}.json": raw})
        remote.write({shelf.pointer: pointer_bytes(listing, digest)})
        self._listings[shelf] = digest
        sent.shelves += 1

    def _send_blobs(self, remote: Remote, listing: Listing, snapshot: Snapshot, sent: Sent) -> None:
        batch: dict[str, bytes] = {}
        missing = {sha256: (path, size) for path, (sha256, size) in listing.files.items()}
        for sha256, (path, size) in missing.items():
            if self._stop():
                return
            if sha256 in self._blobs:
                continue
            if size > PIPED_BYTES and path not in snapshot.contents:
                remote.write_file(blob_key(sha256), self._photographer.run / path, sha256, size)
                self._count(sent, {sha256: size})
                continue
            content = snapshot.contents.get(path)
            if content is None:
                content = checked_bytes(self._photographer.run / path, sha256, size)
            batch[sha256] = content
            if len(batch) >= BATCH or sum(map(len, batch.values())) >= PIPED_BYTES:
                self._flush(remote, batch, sent)
        self._flush(remote, batch, sent)

    def _flush(self, remote: Remote, batch: dict[str, bytes], sent: Sent) -> None:
        remote.write({blob_key(sha256): content for sha256, content in batch.items()})
        self._count(sent, {sha256: len(content) for sha256, content in batch.items()})
        batch.clear()

    def _count(self, sent: Sent, sizes: dict[str, int]) -> None:
        self._blobs |= sizes.keys()
        sent.blobs += len(sizes)
        sent.bytes += sum(sizes.values())
