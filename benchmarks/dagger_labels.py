"""Which chunk labels give more success a minute: along the visited path, or forked expert plans?

Both start from the same checkpoint and the same clean data, roll out the same scenes, and then
train for the same time; the extra physics of forking is paid from its own rounds. Success on the
select scenes after each round, with the seconds it took, is written down.

    python benchmarks/dagger_labels.py [--episodes 15] [--minutes 0.2] [--rounds 3]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from _record import record
from loopyard.core.clock import Stopwatch
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import train_seed
from loopyard.cycle.dagger import Labels, RelabelPlan, relabel
from loopyard.data.generate import DrivePlan, generate
from loopyard.evaluation.evaluate import evaluate
from loopyard.executors.local import LocalExecutor
from loopyard.scenarios.suites import suite_seeds
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

SCENARIO = Scenario(world="yard")
CAMPAIGN_SEED = 30


def success(checkpoint: Path, n: int) -> dict[str, Any]:
    result = evaluate(str(checkpoint), seeds=suite_seeds("select", n))
    return {"n": n, "successes": result.successes, "wilson_95": list(result.wilson_95)}


def rounds(labels: Labels, start: Path, clean: Path, root: Path, options: Any) -> list[Any]:
    """DAgger rounds with one kind of labels; a row a round."""
    executor, datasets, checkpoint, rows = LocalExecutor(usable_cores()), [clean], start, []
    for index in range(options.rounds):
        watch = Stopwatch()
        dataset = root / labels / f"dataset-{index}"
        plan = RelabelPlan(str(checkpoint), SCENARIO, dataset, labels=labels, chunk_size=10)
        first = train_seed(CAMPAIGN_SEED, 10_000 + index * options.rollouts)
        scenes = [(plan.scenario, seed) for seed in range(first, first + options.rollouts)]
        relabel(plan, scenes, executor)
        relabel_s = watch.seconds()
        datasets.append(dataset)
        shares = (0.4, *[0.6 / (len(datasets) - 1)] * (len(datasets) - 1))
        config = TrainConfig(minutes=options.minutes, init_from=checkpoint, shares=shares)
        trained = train(config, datasets, root / labels / f"checkpoints-{index}")
        checkpoint = trained.last
        rows.append(
            {
                "round": index + 1,
                "relabel_s": round(relabel_s, 1),
                "train_s": round(watch.seconds() - relabel_s, 1),
                "loss": trained.final_loss,
                **success(checkpoint, options.n),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--episodes", type=int, default=15)
    parser.add_argument("--rollouts", type=int, default=15)
    parser.add_argument("--minutes", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clean = root / "clean"
        generate(
            DrivePlan(SCENARIO, clean, seed=CAMPAIGN_SEED),
            options.episodes,
            LocalExecutor(usable_cores()),
        )
        config = TrainConfig(minutes=options.minutes)
        cloned = train(config, [clean], root / "cloned").last
        facts = {
            "settings": vars(options),
            "cloned": success(cloned, options.n),
            "path": rounds("path", cloned, clean, root, options),
            "fork": rounds("fork", cloned, clean, root, options),
        }
    record("dagger_labels", facts)


if __name__ == "__main__":
    main()
