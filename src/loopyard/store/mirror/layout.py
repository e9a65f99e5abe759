"""Where things lie in a mirror, and which file of a run belongs where.

    blobs/ab/ab12...               a file's bytes, under its sha256: the same bytes lie there once
    checkpoints/03/5f0c....json    what the checkpoints of cycle 3 were at one time, file by file
    checkpoints/03/latest.json     the pointer: which of those is the newest

A folder per kind and cycle: dataset, scenarios, checkpoints, rollouts, demo, reports, lessons,
logs; what is of no cycle lies under ``run``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loopyard.core.errors import StoreError, expected

SCHEMA = 1
BLOBS, LATEST = "blobs", "latest.json"
WHOLE_RUN = "run"
LOGS = "logs"
KINDS = (
    *("dataset", "scenarios", "checkpoints", "rollouts", "demo", "reports", "lessons"),
    LOGS,
)
"""In the order of sending: the event log, among the logs, comes after all that it names."""

SHA256 = re.compile(r"[0-9a-f]{64}")
IN_CYCLE = re.compile(r"cycles/(\d{2,})/(.+)")
OF_KIND: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"checkpoints/.+"), "checkpoints"),
    (re.compile(r"rollouts/videos/.+"), "demo"),
    (re.compile(r"rollouts/.+"), "rollouts"),
    (re.compile(r"lessons[^/]*"), "lessons"),
    (re.compile(r"(scenarios[^/]*|registry|modes|curriculum)\.jsonl?"), "scenarios"),
    (re.compile(r"[^/]+"), LOGS),
    (re.compile(r".+"), "dataset"),
)
"""Of a path below its cycle; the first that fits. Other folders of a cycle are datasets."""
OF_RUN = ((re.compile(r"report/.+"), "reports"), (re.compile(r"lessons[^/]*"), "lessons"))


@dataclass(frozen=True, order=True)
class Shelf:
    """One folder of a mirror: what a cycle has of one kind. cycle: ``03``, or ``run``."""

    kind: str
    cycle: str

    @property
    def folder(self) -> str:
        return f"{self.kind}/{self.cycle}"

    @property
    def pointer(self) -> str:
        return f"{self.folder}/{LATEST}"


@dataclass(frozen=True)
class Listing:
    """What lay on a shelf at one time: {path in the run folder: (sha256, bytes)}.

    run: names the run. links: {path: where it leads}, of the run's symlinks.
    """

    run: str
    files: Mapping[str, tuple[str, int]]
    links: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The same content gives the same bytes."""
        body = {
            "schema": SCHEMA,
            "run": self.run,
            "files": [
                {"path": path, "sha256": sha256, "size": size}
                for path, (sha256, size) in sorted(self.files.items())
            ],
            "links": dict(sorted(self.links.items())),
        }
        return (json.dumps(body, indent=1) + "\n").encode()

    @classmethod
    def from_bytes(cls, raw: bytes, where: str) -> Listing:
        """Raises StoreError where it is not a listing."""
        try:
            body = json.loads(raw)
            files = {
                str(entry["path"]): (str(entry["sha256"]), int(entry["size"]))
                for entry in body["files"]
            }
            links = {str(path): str(target) for path, target in body["links"].items()}
            found = cls(str(body["run"]), files, links)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{where}: {type(error).__name__}, expected a listing") from None
        bad = [sha256 for sha256, _ in files.values() if not SHA256.fullmatch(sha256)]
        if bad or body["schema"] != SCHEMA:
            raise StoreError(expected(where, "content", bad[:1] or body["schema"], "a listing"))
        return found


def shelf_of(path: str) -> Shelf:
    """Where a file of a run folder belongs."""
    inside = IN_CYCLE.fullmatch(path)
    cycle, rest = inside.groups() if inside else (WHOLE_RUN, path)
    for pattern, kind in OF_KIND if inside else OF_RUN:
        if pattern.fullmatch(rest):
            return Shelf(kind, cycle)
    return Shelf(LOGS, cycle)


def blob_key(sha256: str) -> str:
    return f"{BLOBS}/{sha256[:2]}/{sha256}"


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def pointer_bytes(listing: Listing, digest: str) -> bytes:
    return (json.dumps({"schema": SCHEMA, "run": listing.run, "listing": digest}) + "\n").encode()


def read_pointer(raw: bytes, where: str) -> dict[str, Any]:
    """``run`` and ``listing``. Raises StoreError where it is not a pointer."""
    try:
        found = json.loads(raw)
        if found["schema"] == SCHEMA and SHA256.fullmatch(found["listing"]) and found["run"]:
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise StoreError(expected(where, "content", raw[:60], "a pointer"))
