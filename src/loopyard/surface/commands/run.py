"""A whole campaign: measure, plan, then generate, train, roll out, until the gate has judged.

Run the same command again to go on with one that was stopped.

Example: loopyard run configs/demo.yaml --set seed=1 --set name=demo-1
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

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
    """0 promoted, 1 rejected or inconclusive."""
    from loopyard.core.errors import ConfigError, LeaseError
    from loopyard.cycle.config import load_campaign
    from loopyard.cycle.engine import run_campaign
    from loopyard.surface.campaign_log import CampaignLog
    from loopyard.surface.notifications.deliverer import delivering
    from loopyard.surface.report.build import report

    campaign = load_campaign(options.config, options.set)
    try:
        with delivering(campaign.folder, campaign.messages, console.warn):
            result = run_campaign(campaign, CampaignLog(console))
    except (ConfigError, LeaseError):
        raise
    except BaseException:
        if (campaign.folder / "result.json").exists():
            with suppress(Exception):  # what stopped the campaign is what to tell
                report(campaign.folder)
        raise
    report(campaign.folder)
    console.result(result, _text(result))
    return 0 if result["gate"]["verdict"] == "promote" else 1


def _text(result: dict[str, Any]) -> str:
    gate = result["gate"]
    minutes, seconds = divmod(round(result["wall_s"]), 60)
    lines = [
        f"{gate['verdict']}: {gate['reason']}",
        f"took {minutes}:{seconds:02d}",
        f"report: {result['report']}",
    ]
    if result["best"]:
        lines.insert(2, f"best: {result['best']}")
    return "\n".join(lines)
