"""Where the yard's expert begins to fail, or a trained policy.

python benchmarks/adversary.py [--rollouts 100] [--check 10] [--workers 2] [--out FOLDER]
python benchmarks/adversary.py --policy runs/demo/best --rollouts 200 --check 20

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

EXPERT = "expert"
VARY = {"max_speed_mps": (0.6, 3.0), "floor_friction": (0.05, 0.3)}
VARY_FOR_A_POLICY = {
    "randomise.ambient": (0.2, 2.0),
    "randomise.fov_deg": (-12.0, 12.0),
    "max_speed_mps": (0.8, 2.5),
    "floor_friction": (0.05, 0.8),
}
"""What it sees as well, far beyond what it was trained on."""
IMAGES = Path(__file__).parents[1] / "docs/images"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--policy", default=EXPERT)
    parser.add_argument("--rollouts", type=int, default=100)
    parser.add_argument("--check", type=int, default=10)
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    settings = SearchSettings(rollouts=options.rollouts, check=options.check)
    of_expert = options.policy == EXPERT
    vary, suffix = (VARY, "") if of_expert else (VARY_FOR_A_POLICY, "-policy")
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder)
        answer: dict[str, Any] = find_failures(
            options.policy, Scenario(world="yard"), vary, out, settings, workers=options.workers
        )
        shutil.copyfile(out / "boundary.png", IMAGES / f"failure-boundary{suffix}.png")
    for name in ("picture", "scenarios", "mode", "base"):
        answer.pop(name)  # paths of this machine, and what the command says
    record(
        "adversary" if of_expert else "adversary_policy",
        {"wall_s": round(watch.seconds(), 1), **answer},
    )


if __name__ == "__main__":
    main()
