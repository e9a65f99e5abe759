"""Draw scenarios: general ones and those of each tier, all different, one a line with its seed.

Example: loopyard scenarios sample --n 300 --seed 0 --out scenarios.jsonl
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from loopyard.surface.console import Console
from loopyard.surface.scenario_options import BaseOptions


@dataclass(frozen=True)
class Options(BaseOptions):
    """How many, about what, and where to."""

    out: Path
    """the file to write"""
    n: int = 300
    """scenarios"""
    seed: int = 0
    """decides what is drawn, and which training scenes they get"""
    mix: tuple[float, float, float, float] = (0.35, 0.30, 0.25, 0.10)
    """shares of general scenarios and of tier 1, 2 and 3"""


def run(options: Options, console: Console) -> int:
    """Writes the scenarios."""
    from loopyard.core.seeds import train_seed
    from loopyard.scenarios.sampling import sample
    from loopyard.scenarios.scene_file import write_scenes

    registry = options.open()
    drawn = sample(registry, options.base(), options.n, options.seed, _mix(options.mix))
    write_scenes(
        options.out, [(s, train_seed(options.seed, index)) for index, s in enumerate(drawn)]
    )
    modes = Counter(s.mode for s in drawn)
    tiers = Counter(f"tier {registry[s.mode].tier}" if s.mode else "general" for s in drawn)
    answer = {
        "out": str(options.out),
        "n": len(drawn),
        "distinct": len({s.digest for s in drawn}),
        "tiers": dict(sorted(tiers.items())),
        "modes": {mode: count for mode, count in sorted(modes.items(), key=str) if mode},
    }
    shares = ", ".join(f"{count} {tier}" for tier, count in answer["tiers"].items())
    console.result(
        answer,
        f"{answer['n']} scenarios in {options.out}, {answer['distinct']} different: {shares}; "
        f"{len(answer['modes'])} of {len(registry)} modes",
    )
    return 0


def _mix(shares: tuple[float, float, float, float]):
    from pydantic import ValidationError

    from loopyard.core.errors import ConfigError, expected
    from loopyard.scenarios.sampling import Mix

    try:
        return Mix(**dict(zip(("general", "tier_1", "tier_2", "tier_3"), shares, strict=True)))
    except ValidationError:
        wanted = "four shares of 0 or more that add up to 1"
        raise ConfigError(expected("sample", "--mix", shares, wanted)) from None
