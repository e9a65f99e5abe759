"""A copy of a run in an object store: send what is missing there, or bring a run back.

What is there already is not sent again. Credentials come from where the store's library looks for
them, such as AWS_ACCESS_KEY_ID.

Example: loopyard mirror runs/demo --url s3://bucket/demo
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.store.mirror.send import Sent

TRIES = 3
"""A run at work changes files while they are sent; then it is looked at again."""
MIB = 1024**2


@dataclass(frozen=True)
class Options:
    """Which run, and where to."""

    run: Annotated[Path, tyro.conf.Positional]
    """the run folder; with --restore, the folder to make"""
    url: str | None = None
    """such as s3://bucket/demo, gs://bucket/demo, file:///backup/demo; else the campaign's own"""
    restore: str | None = None
    """bring the run back from this URL"""


def run(options: Options, console: Console) -> int:
    """0 when all is there; 1 where a file of the run is damaged; 3 where the store failed."""
    from loopyard.core.errors import LoopyardError, Resumable

    try:
        return _restore(options, console) if options.restore else _send(options, console)
    except LoopyardError:
        raise
    except Exception as error:  # whatever a store's library raises for networks and credentials
        where = options.restore or options.url or "the mirror"
        text = (str(error).splitlines() or [""])[0]
        raise Resumable(
            f"{where}: {type(error).__name__}: {text}; run the same command again"
        ) from error


def _send(options: Options, console: Console) -> int:
    from loopyard.cycle.state import require_run
    from loopyard.store.mirror.send import Sender

    require_run(options.run)
    url = options.url or _campaigns_own(options.run)
    sender = Sender(options.run, url)
    sent = sender.send()
    blobs, size = sent.blobs, sent.bytes
    for _ in range(TRIES - 1):
        if sent.complete:
            break
        sent = sender.send()
        blobs, size = blobs + sent.blobs, size + sent.bytes
    answer = {"url": url, "blobs": blobs, "bytes": size, "complete": sent.complete}
    console.result({**answer, "changed": sent.changed}, _told(url, blobs, size, sent))
    return 0 if sent.complete else 1


def _told(url: str, blobs: int, size: int, sent: Sent) -> str:
    lines = [f"{url}: {blobs} files sent, {size / MIB:.1f} MiB"]
    lines += [f"  left out: {line}" for line in sent.changed]
    return "\n".join(lines)


def _campaigns_own(run: Path) -> str:
    import yaml

    from loopyard.core.errors import ConfigError, expected

    path = run / "campaign.yaml"
    settings = yaml.safe_load(path.read_text()) if path.is_file() else None
    mirror = settings.get("mirror") if isinstance(settings, dict) else None
    url = mirror.get("url") if isinstance(mirror, dict) else None
    if not url:
        raise ConfigError(expected(str(path), "mirror.url", url, "a URL, or --url"))
    return url


def _restore(options: Options, console: Console) -> int:
    from loopyard.cycle.verify import verify_run
    from loopyard.store.mirror.restore import restore

    assert options.restore is not None
    restored = restore(options.restore, options.run)
    found = verify_run(options.run)
    lines = [f"{options.run}: {restored.files} files, {restored.bytes / MIB:.1f} MiB, verified"]
    lines += [f"  damaged: {line}" for line in found.damages]
    answer = {"run": str(options.run), "files": restored.files, "bytes": restored.bytes}
    console.result({**answer, "damages": list(found.damages)}, "\n".join(lines))
    return 0 if found.whole else 1
