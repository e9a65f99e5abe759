"""What one episode, one training step and one rollout cost here, and what fits the budget.

Example: loopyard measure configs/demo.yaml
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from loopyard.surface.console import Console


@dataclass(frozen=True)
class Options:
    """Which campaign, and what to change in it."""

    config: Annotated[Path, tyro.conf.Positional]
    """the campaign, a YAML file"""
    set: Annotated[tyro.conf.UseAppendAction[list[str]], tyro.conf.arg(metavar="A.B=C")] = field(
        default_factory=list
    )
    """a setting to change, as often as needed"""


def run(options: Options, console: Console) -> int:
    """Measures and plans; nothing is kept."""
    from loopyard.core.machine import describe_machine
    from loopyard.cycle.config import load_campaign

    campaign = load_campaign(options.config, options.set)  # a mistake is told before torch is here
    from loopyard.cycle.planning.estimate import estimate
    from loopyard.cycle.planning.measure import measure
    from loopyard.cycle.planning.plan import make_plan
    from loopyard.surface.campaign_log import measured_text, plan_text

    measured = measure(campaign, console.print)
    plan = make_plan(campaign, estimate(campaign, measured))
    for warning in plan.warnings:
        console.warn(warning)
    answer = {
        "machine": describe_machine(),
        "measured": measured.to_dict(),
        "plan": plan.to_dict(),
    }
    console.result(answer, f"{measured_text(measured)}\n{plan_text(plan)}")
    return 0
