"""Killed or interrupted at any moment, the same command goes on to the same end."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from loopyard.data.dataset import open_dataset

pytestmark = pytest.mark.e2e

SLOW_WORLD = ("--world", "reach_world:ReachWorld", "--preset", "", "--params", "sleep_s", "0.1")


def shards(folder: Path) -> int:
    return len(list(folder.glob(".shards/0*")))


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(stat.parent.name))
    return found


def gone(pids: list[int], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_killed_generation_goes_on_to_the_same_dataset(shell):
    out = shell.folder / "data"
    command = ("generate", *SLOW_WORLD, "--episodes", "16", "--workers", "2", "--out")
    process = shell.start(*command, "data")
    workers: list[int] = []

    def some_are_there() -> bool:
        workers[:] = children(process.pid)
        return shards(out) >= 3

    killed = shell.stop(process, signal.SIGKILL, some_are_there)
    assert killed.returncode == -signal.SIGKILL
    assert len(workers) == 2
    assert gone(workers), "a worker outlived its parent"
    assert 3 <= shards(out) < 16
    assert not (out / "meta/info.json").exists()
    assert shell.answer(*command, "data")["episodes"] == 16
    assert shell.answer(*command, "whole")["episodes"] == 16
    assert open_dataset(out).digest == open_dataset(shell.folder / "whole").digest


def test_ctrl_c_ends_a_generation_with_3_and_a_word(shell):
    process = shell.start("generate", *SLOW_WORLD, "--episodes", "200", "--out", "data")
    done = shell.stop(process, signal.SIGINT, lambda: shards(shell.folder / "data") >= 1)
    assert done.returncode == 3
    assert "run the same command again to go on" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_campaign_stopped_in_every_stage_goes_on_to_its_verdict(shell, signum):
    campaign = shell.campaign(
        params={"sleep_s": 0.1},
        budget_minutes=0.6,
        generate={"episodes": 40},
        gate={"n": 40, "target": 0.5, "floor": 0.1},
    )
    run = shell.folder / "runs/trial"
    first, second = run / "cycles/01", run / "cycles/02"
    moments = {
        "measure": lambda: shell.begun(run, "measure"),
        "cycle-1/expert": lambda: shards(first / "dataset") >= 3,
        "cycle-1/train": lambda: len(rows(first / "checkpoints/log.jsonl")) >= 3,
        "cycle-1/select": lambda: shell.begun(run, "cycle-1/select"),
        "cycle-2/relabel": lambda: shell.begun(run, "cycle-2/relabel"),
        "cycle-2/train": lambda: len(rows(second / "checkpoints/log.jsonl")) >= 3,
        "gate": lambda: any(shell.begun(run, f"gate-{cycle}") for cycle in (1, 2)),
    }
    for step, moment in moments.items():
        process = shell.start("run", campaign)
        done = shell.stop(process, signum, moment)
        assert step not in shell.finished(run)
        if signum == signal.SIGINT:
            assert done.returncode == 3, done.stderr
            assert "Traceback" not in done.stderr
            assert "again" in done.stderr
    result = shell.answer("run", campaign)
    steps = shell.finished(run)
    assert len(steps) == len(set(steps)), "a finished step was done again"
    assert result["gate"]["verdict"] == "promote"
    seeds = [row["seed"] for row in map(json.loads, rows(rollouts(run) / "gate.jsonl"))]
    assert sorted(seeds) == list(range(900_000, 900_040))
    assert (run / "report/index.html").is_file()


def rows(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def rollouts(run: Path) -> Path:
    return (run / "best").resolve().parents[1] / "rollouts"
