"""How long `loopyard status` takes on a log of 100,000 events, interpreter start included.

python benchmarks/status.py

Two logs: one as a long campaign leaves it (99 of 100 events are signs of life), and the worst that
can be (steps alone, which all have to be read). Median and slowest of five after a first one,
beside `loopyard --help`, which reads no log. load_average: what else ran, on how many cores.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from _record import record
from loopyard.store.events import EventLog

EVENTS, RUNS = 100_000, 5
COMMAND = Path(sys.executable).with_name("loopyard")


def rows(signs_of_life: int) -> Iterator[tuple[float, str, str]]:
    """(wall_s, kind, data) of a log in which so many signs of life follow each step's event."""
    for index in range(EVENTS):
        at, place = divmod(index, signs_of_life + 1)
        data: dict[str, object] = {"used_s": 5.0 * index}
        kind = "alive"
        if place == 0:
            kind = ("step_begun", "step_done")[at % 2]
            data |= {"step": f"cycle-{1 + at // 8}/stage-{at // 2 % 4}", "key": f"{at // 2:016x}"}
            if kind == "step_done":
                data["facts"] = {"took_s": 5.0, "episodes": 400, "frames": 40_000}
        yield 1.7e9 + 5.0 * index, kind, json.dumps(data)


def write_log(run: Path, signs_of_life: int) -> None:
    EventLog(run / "events.sqlite").close()
    with sqlite3.connect(run / "events.sqlite") as db:
        db.executemany(
            "INSERT INTO events (wall_s, kind, data) VALUES (?, ?, ?)", rows(signs_of_life)
        )
    db.close()


def seconds(command: list[str]) -> dict[str, float]:
    """Of wall time, and of processor time, which tells how busy the machine was."""
    took, busy = [], []
    for _ in range(RUNS + 1):
        begin_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.monotonic() - begin_s)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "median_s": round(statistics.median(took[1:]), 3),
        "slowest_s": round(max(took[1:]), 3),
        "processor_median_s": round(statistics.median(busy[1:]), 3),
    }


def main() -> None:
    facts: dict[str, object] = {
        "events": EVENTS,
        "load_average": round(os.getloadavg()[0], 1),
        "help": seconds([str(COMMAND), "--help"]),
    }
    with tempfile.TemporaryDirectory(prefix="loopyard-status-") as folder:
        for name, signs_of_life in (("campaign", 99), ("steps_alone", 0)):
            run = Path(folder) / name
            write_log(run, signs_of_life)
            facts[name] = seconds([str(COMMAND), "status", str(run), "--json"])
    record("status", facts)


if __name__ == "__main__":
    main()
