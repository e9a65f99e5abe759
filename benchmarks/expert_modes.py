"""The expert's own gate in every failure mode: success, and apart from it what was unsafe.

    python benchmarks/expert_modes.py [--n 20] [--preset mid] [--out FOLDER]

With --out the records are kept there, and scenes that are there already are not driven again.
"""

from __future__ import annotations

import argparse
import tempfile

from _record import record
from loopyard.core.scenario import Scenario
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.expert_policy import EXPERT
from loopyard.scenarios.registry import built_in_registry
from loopyard.scenarios.suites import ALL_MODES, GENERAL, suite_scenes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--preset", default="mid")
    parser.add_argument("--out")
    options = parser.parse_args()
    base = Scenario(world="yard", preset=options.preset)
    registry = built_in_registry()
    with tempfile.TemporaryDirectory() as folder:
        facts = {}
        for suite in (GENERAL, ALL_MODES):
            scenes = suite_scenes(suite, options.n, base, registry)
            out = options.out or folder
            result = evaluate(EXPERT, scenes=scenes, out=out, suite=suite)
            facts |= {mode: found.to_dict() for mode, found in result.by_mode.items()}
    record("expert_modes", {"preset": options.preset, "n": options.n, "modes": facts})


if __name__ == "__main__":
    main()
