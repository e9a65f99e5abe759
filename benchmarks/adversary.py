"""Where the yard's expert begins to fail: top speed against the floor's friction.

python benchmarks/adversary.py [--rollouts 100] [--check 10] [--workers 2] [--out FOLDER]

With --out it goes on from what was driven there. Pictures go to docs/images.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from _record import record
from loopyard.core.clock import Stopwatch
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.evaluation.adversary.find import find_failures
from loopyard.evaluation.adversary.search import SearchSettings

VARY = {"max_speed_mps": (0.6, 3.0), "floor_friction": (0.05, 0.3)}
IMAGE = Path(__file__).parents[1] / "docs/images/failure-boundary.png"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rollouts", type=int, default=100)
    parser.add_argument("--check", type=int, default=10)
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    settings = SearchSettings(rollouts=options.rollouts, check=options.check)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder)
        answer: dict[str, Any] = find_failures(
            "expert", Scenario(world="yard"), VARY, out, settings, workers=options.workers
        )
        shutil.copyfile(out / "boundary.png", IMAGE)
    for name in ("picture", "scenarios", "mode", "base"):
        answer.pop(name)  # paths of this machine, and what the command says
    record("adversary", {"wall_s": round(watch.seconds(), 1), **answer})


if __name__ == "__main__":
    main()
