"""A whole campaign: measure, plan, then generate, train, roll out, until the gate has judged.

Run the same command again to go on with one that was stopped.

Example: loopyard run configs/demo.yaml --set seed=1 --set name=demo-1
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.cycle.config import Campaign


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
    from loopyard.cycle.config import load_campaign
    from loopyard.cycle.journal import STEP_DONE
    from loopyard.store.mirror.background import mirrored

    campaign = load_campaign(options.config, options.set)
    with mirrored(campaign.folder, campaign.mirror.url, console.warn, step_kind=STEP_DONE):
        result = _run_and_report(campaign, console)
    console.result(result, _text(result))
    return 0 if result["gate"]["verdict"] == "promote" else 1


def _run_and_report(campaign: Campaign, console: Console) -> dict[str, Any]:
    from loopyard.core.errors import ConfigError, LeaseError
    from loopyard.cycle.engine import run_campaign
    from loopyard.surface.campaign_log import CampaignLog
    from loopyard.surface.notifications.deliverer import delivering
    from loopyard.surface.report.build import report

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
    return result


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
