"""After each cycle: run the rules, keep the ledger, change the next cycle's campaign."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loopyard.core.errors import DatasetError, expected
from loopyard.cycle.config import Campaign
from loopyard.cycle.lessons.facts import read_facts
from loopyard.cycle.lessons.ledger import Ledger
from loopyard.cycle.lessons.rules import found_by_rules, open_rules
from loopyard.cycle.lessons.writing import page, summary
from loopyard.store.atomic import write_text

NAME, PAGE, SUMMARY = "lessons.json", "lessons.md", "lessons-summary.md"
DECLINED = "it was not approved"
SUMMARY_FROM = 3
"""From this cycle on a campaign has a summary of its lessons."""

Agree = Callable[[Mapping[str, Any], Mapping[str, Any], str], bool]
"""Told of settings before and after, and why: whether they may be changed so."""


def learn_lessons(
    run: Path, cycle: int, campaign: Campaign, agree: Agree | None = None
) -> tuple[Ledger, Campaign]:
    """The ledger after a finished cycle, and the campaign as the next one shall have it.

    Writes ``lessons.json`` and ``lessons.md`` in the cycle's folder, and from the third cycle on
    ``lessons-summary.md`` in the run folder. A pure function of the cycle's files, the ledger of
    the cycle before, the campaign as this cycle had it, and what ``agree`` says of the changes: a
    campaign that goes on after a kill learns the same again.

    Raises:
        ConfigError: a rule of the user's own cannot be loaded.
        DatasetError: a file of the cycle cannot be read.
    """
    facts = read_facts(run, cycle, campaign.plain())
    found = found_by_rules(open_rules(campaign.lessons.rules), facts)
    before = read_ledger(run, cycle - 1)
    veto = "" if campaign.lessons.apply else "lessons.apply is false"
    ledger, changed = before.after(cycle, found, campaign, veto)
    made = [outcome for outcome in ledger.outcomes(cycle + 1) if outcome.applied]
    if made and agree is not None:
        settings = [{one.setting: getattr(one, at) for one in made} for at in ("before", "after")]
        if not agree(settings[0], settings[1], f"lessons of cycle {cycle}"):
            ledger, changed = before.after(cycle, found, campaign, DECLINED)
    folder = _folder(run, cycle)
    write_text(folder / NAME, json.dumps(ledger.model_dump(mode="json"), indent=2) + "\n")
    write_text(folder / PAGE, page(ledger))
    if cycle >= SUMMARY_FROM:
        write_text(run / SUMMARY, summary(ledger))
    return ledger, changed


def read_ledger(run: Path, cycle: int) -> Ledger:
    """The ledger after a cycle; an empty one where there is none.

    Raises:
        DatasetError: the file is there and is no ledger.
    """
    path = _folder(run, cycle) / NAME
    try:
        return Ledger.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Ledger(cycle=cycle)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise DatasetError(expected(str(path), "content", reason, "a ledger of lessons")) from None


def ledger_cycles(run: Path) -> Sequence[int]:
    """The cycles of a run folder that have learned their lessons, in order."""
    return sorted(int(path.parent.name) for path in run.glob(f"cycles/[0-9]*/{NAME}"))


def _folder(run: Path, cycle: int) -> Path:
    return run / f"cycles/{cycle:02d}"
