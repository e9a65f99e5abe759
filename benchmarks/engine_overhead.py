"""What the engine itself costs a campaign: event log, lease, heartbeat, digests and fsync.

    python benchmarks/engine_overhead.py [RUN]

RUN is the run folder of a finished campaign, else that of the demo. Each thing the engine does is
timed alone, on a copy of that campaign's artifacts, and counted as often as the campaign did it.
Two figures: processor time, and time by the clock less the waiting for a core that others hold.
The share by processor time, of the campaign's wall time on one core, must be under 1 %. The one by
the clock holds the waiting for the disk, in which workers drive on: an upper bound.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _record import record
from loopyard.cycle.accounts.sampler import UsageSampler
from loopyard.cycle.heartbeat import BEAT_EVERY_S, Heartbeat
from loopyard.cycle.journal import STEP_DONE, Journal
from loopyard.cycle.step_name import stage_of
from loopyard.store.artifacts import seal
from loopyard.store.atomic import fsync_tree, staged_folder, write_bytes
from loopyard.store.event_reader import read_events
from loopyard.store.lease import RUN, Lease, leases_of
from loopyard.store.outbox import Outbox
from loopyard.training.config import TrainConfig

MOST = 0.01
OWN_STEPS = ("plan", "lessons")
"""Steps in which the engine does nothing but think."""


def timed(repeats: int, work: Callable[[int], Any]) -> tuple[float, float]:
    """(processor seconds, seconds by the clock with a core to itself) of one ``work(number)``."""
    cpu_s, wall_s = time.process_time(), time.perf_counter() - _waited_s()
    for number in range(repeats):
        work(number)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - _waited_s() - wall_s
    return cpu_s / repeats, wall_s / repeats


def _waited_s() -> float:
    """Seconds that this thread was ready to run and had no core (schedstats, Linux)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def counts_of(run: Path) -> dict[str, int]:
    """How often a campaign did each of what `costs_of` times."""
    events = read_events(run / "events.sqlite")
    result = json.loads((run / "result.json").read_text())
    rows = result["cycles"]
    steps = sum(row["train_steps"] for row in rows)
    judged = sum(row["select"]["n"] for row in rows) + result["gate"]["n"]
    train_s = sum(row["train_s"] for row in rows)
    save_every_s = TrainConfig.model_fields["save_every_s"].default
    return {
        "event": len(events),
        "beat": round(result["wall_s"] / BEAT_EVERY_S),
        "unit of work": steps + sum(row["episodes"] for row in rows) + judged,
        "message": sum(event.kind == "message" for event in events),
        "usage sample": len((run / "usage.jsonl").read_text().splitlines()),
        "record of a drive": sum(1 for _ in run.glob("cycles/*/rollouts/*/*/*.np*")),
        "checkpoint": 4 * len(rows) + round(train_s / save_every_s),
        "artifacts, all of them": 1,
    }


def costs_of(run: Path, folder: Path) -> dict[str, tuple[float, float]]:
    """What each costs, once."""
    artifacts = [
        name
        for event in read_events(run / "events.sqlite")
        if event.kind == STEP_DONE
        for name in event.data.get("artifacts", {})
    ]
    for name in artifacts:
        whole = (run / name).is_dir()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if whole else shutil.copy)(run / name, folder / name)
    fsync_tree(folder)  # in a campaign, too, they are durable before they are sealed
    checkpoint = next(folder.glob("cycles/*/checkpoints/last"))
    with Heartbeat(Lease(leases_of(folder), RUN), every_s=3600.0) as heartbeat:
        journal = Journal(folder / "events.sqlite", heartbeat=heartbeat)
        outbox, sampler = (
            Outbox(folder / "outbox.sqlite"),
            UsageSampler(folder / "usage", time.monotonic),
        )
        sampler.sample()
        told = {"text": "x" * 200, "artifacts": ["cycles/01/dataset"]}
        trace = next(folder.glob("cycles/*/rollouts/traces/*/*.np*")).read_bytes()

        def save(number: int) -> None:
            with staged_folder(folder / "saved") as staging:
                for path in checkpoint.iterdir():
                    os.link(path, staging / path.name)

        (folder / "saved").mkdir()
        found = {
            "event": timed(100, lambda n: journal.record("alive")),
            "beat": timed(100, lambda n: heartbeat.at("train")),
            "unit of work": timed(2000, lambda n: journal.alive()),
            "message": timed(50, lambda n: outbox.put(f"{n}", told, {"log": ("sent", "")})),
            "usage sample": timed(50, lambda n: sampler.sample()),
            "record of a drive": timed(100, lambda n: write_bytes(folder / f"{n}.npz", trace)),
            "checkpoint": timed(5, save),
            "artifacts, all of them": timed(
                1, lambda n: seal(folder, map(folder.joinpath, artifacts))
            ),
        }
        outbox.close()
        journal.close()
    return found


def thinking_s(run: Path) -> float:
    """Seconds of the steps in which the engine itself is at work."""
    done = (event.data for event in read_events(run / "events.sqlite") if event.kind == STEP_DONE)
    return sum(data["facts"]["took_s"] for data in done if stage_of(data["step"])[0] in OWN_STEPS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path, nargs="?", default=Path("runs/demo"))
    run = parser.parse_args().run
    if not (run / "result.json").exists():
        print(f"{run}: no campaign there; `make demo` makes one")
        return
    wall_s = json.loads((run / "result.json").read_text())["wall_s"]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        costs = costs_of(run, Path(folder))
    counts, thought_s = counts_of(run), thinking_s(run)
    cpu_s, clock_s = (
        thought_s + sum(counts[name] * costs[name][kind] for name in counts) for kind in (0, 1)
    )
    record(
        "engine_overhead",
        {
            "campaign_s": wall_s,
            "times": counts,
            "ms_each": {
                name: {"processor": round(1e3 * cpu, 3), "clock": round(1e3 * clock, 3)}
                for name, (cpu, clock) in costs.items()
            },
            "plans_and_lessons_s": round(thought_s, 3),
            "processor_s": round(cpu_s, 3),
            "clock_s": round(clock_s, 3),
            "share_by_processor": round(cpu_s / wall_s, 5),
            "share_by_clock": round(clock_s / wall_s, 5),
            "must_be_under": MOST,
            "load_per_core_meanwhile": round(os.getloadavg()[0] / (os.cpu_count() or 1), 1),
        },
    )
    sys.exit(cpu_s >= MOST * wall_s)


if __name__ == "__main__":
    main()
