"""Let the expert drive and write what it shows as a LeRobot v3.0 dataset.

Example: loopyard generate --world yard --preset starter --episodes 400 --seed 0 --out data/starter
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from loopyard.executors.registry import ExecutorName
from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """What to drive, how often, and where to."""

    out: Path
    """folder of the dataset; run again to go on"""
    world: str = "yard"
    """a world's name, or package.module:ClassName of your own"""
    preset: str = "starter"
    """a named set of the world's parameters"""
    episodes: int = 400
    """successful drives to record; failed ones are kept apart"""
    seed: int = 0
    """which stretch of the training scenes"""
    noise: Literal["dart", "none"] = "dart"
    """dart: drive disturbed, label clean; none: drive clean"""
    expert: str | None = None
    """package.module:ClassName, where the world has no expert of its own"""
    workers: int = 0
    """processes; 0: one a core"""
    executor: ExecutorName = "local"
    """where they run: local, or ray with the machines of a cluster, which must all see --out"""
    ray_address: str | None = None
    """host:port of the cluster's head; default: what RAY_ADDRESS says, else this machine alone"""
    params: dict[str, str] = field(default_factory=dict)
    """the world's parameters, as name value pairs: --params bricks 3 room_m 8"""
    scenes: Path | None = None
    """a file of scenes, as scenarios sample writes it, in place of world, preset and params; from
    the first again after the last"""


def run(options: Options, console: Console) -> int:
    """Generate, resuming where a dataset is already there."""
    from loopyard.core.errors import ConfigError, expected
    from loopyard.core.scenario import Scenario
    from loopyard.core.values import yaml_values
    from loopyard.data.episode import EpisodeRow
    from loopyard.data.generate import DrivePlan, generate
    from loopyard.data.start import Start
    from loopyard.executors.registry import make_executor
    from loopyard.experts.noise import NoiseSettings
    from loopyard.scenarios.scene_file import read_scenes

    if options.episodes < 1:
        raise ConfigError(expected("generate", "--episodes", options.episodes, "at least 1"))
    params = yaml_values(options.params, "--params")
    starts = ()
    if options.scenes is not None:
        starts = tuple(Start(scenario, seed) for scenario, seed in read_scenes(options.scenes))
    own = Scenario(world=options.world, preset=options.preset, params=params)
    plan = DrivePlan(
        scenario=starts[0].scenario if starts else own,
        starts=starts,
        root=options.out,
        seed=options.seed,
        noise=NoiseSettings() if options.noise == "dart" else None,
        expert=options.expert,
    )
    executor = make_executor(
        options.executor, options.workers, ray_address=options.ray_address, shared=options.out
    )
    with console.progress(options.episodes, "episodes", "generate") as progress:
        failed = 0

        def on_episode(row: EpisodeRow) -> None:
            nonlocal failed
            failed += not row.kept
            progress.advance(1 if row.kept else 0, note=f"{failed} failed" if failed else None)

        made = generate(plan, options.episodes, executor, on_episode)
    facts = made.facts()
    console.result(
        {**facts, "out": str(options.out)},
        f"{facts['episodes']} episodes, {facts['frames']} frames in {options.out} "
        f"({facts['failed']} failed drives under {options.out / 'failed'}); "
        f"{facts['frames_per_s']:.0f} frames/s",
    )
    return 0
