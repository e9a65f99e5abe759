"""A campaign whose disk fails at the nth operation, is run again, and fails again (faulty.c)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from campaigns import outcome, require_once, write_campaign
from harness import Zygote

KINDS = ("ENOSPC", "EIO", "short")
SPREAD = sorted({round(1.25**n) for n in range(40)})
"""1, 2, ... 6000: from what opens the run folder to what writes the gate's videos."""


def fail_at(zygote: Zygote, folder: Path, kind: str, nth: int) -> bool:
    """Run a campaign until its nth operation fails: it ends with a word, and what stands is whole.

    Returns whether it failed; an operation may fail that the campaign can do without.
    """
    labels = folder / "labels.txt"
    where = f"{kind} at operation {nth}"
    fault = (folder / "runs", kind, nth, labels)
    done = zygote.run("run", write_campaign(folder), cwd=folder, fault=fault)
    assert "Traceback" not in done.said, f"{where}: {done.said}"
    if done.code in (0, 1):
        return False
    assert done.code in (2, 3), f"{where}: ended with {done.code}: {done.said}"
    assert "error:" in done.said, where
    run = folder / "runs/toy"
    if (run / "measure.json").exists():  # before that there may not even be a log
        verified = zygote.run("verify", run, cwd=folder)
        assert verified.code == 0, f"{where}: {verified.said}"
    return True


def fail_again_and_again(
    zygote: Zygote, folder: Path, kind: str, spread: list[int], whole: dict[str, Any]
) -> int:
    """Each run of a campaign fails at its nth operation; the last one does not. Returns how many
    did. What comes to its end before that is looked at, and another one begins."""
    failed = 0
    for nth in [*spread, 0]:
        if nth and fail_at(zygote, folder, kind, nth):
            failed += 1
            continue
        done = zygote.run("run", write_campaign(folder), cwd=folder)
        assert done.code in (0, 1), done.said
        assert outcome(folder / "runs/toy") == whole, f"{kind}, up to operation {nth}"
        require_once(folder / "runs/toy")
        shutil.rmtree(folder / "runs")
    return failed


def test_a_disk_that_fails_twice(faulty_zygote, tmp_path, whole):
    assert fail_again_and_again(faulty_zygote, tmp_path, "EIO", [40, 300], whole[0]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fails_at_many_operations(faulty_zygote, tmp_path, whole, kind):
    """Half of a write is taken only where the operation is one."""
    assert fail_again_and_again(faulty_zygote, tmp_path, kind, SPREAD, whole[0]) > 10
