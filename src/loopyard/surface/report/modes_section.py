"""The section on failure modes: the registry before and after, and what was driven and passed."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from loopyard.evaluation.by_mode import GENERAL, ModeResult
from loopyard.scenarios.mode import FailureMode
from loopyard.scenarios.registry import Registry
from loopyard.surface.report.language import say
from loopyard.surface.report.run_folder import Facts, RunFolder
from loopyard.surface.report.wording import figure, interval, part_of

PASSED = 0.8
"""A mode counts as passed from this share of its judged scenes on."""


def failure_modes(run: RunFolder) -> dict[str, Any]:
    """What the table of failure modes shows; without rows where a campaign has none."""
    registries = [found for cycle in run.cycles if (found := _registry(cycle.registry))]
    if not registries:
        return {"rows": [], "coverage": "", "suite": ""}
    after = registries[-1]
    before = _first_occurrences(after)
    suite, judged = _judged(run)
    driven = _driven(run)
    rows = [
        _row(mode, before.get(mode.id, mode.occurrence), driven[mode.id], judged.get(mode.id))
        for mode in sorted(after.modes, key=lambda mode: (-mode.sps, mode.id))
    ]
    return {"rows": rows, "suite": suite, "coverage": _coverage(after, driven, judged, suite)}


def _registry(plain: Facts) -> Registry | None:
    """None where there is none, or what is there is no registry."""
    try:
        return Registry.model_validate(plain) if plain else None
    except ValidationError:
        return None


def _results(plain: Facts) -> dict[str, ModeResult]:
    """Results by mode; what is no result is left out."""
    found = {}
    for mode, row in plain.items():
        with suppress(KeyError, TypeError, ValueError):
            found[mode] = ModeResult.from_dict(row)
    return found


def _first_occurrences(registry: Registry) -> dict[str, float]:
    """What each changed mode occurred like before the campaign; 0 where it was not known."""
    first: dict[str, float] = {}
    for change in registry.history:
        first.setdefault(change.id, change.before or 0.0)
    return first


def _driven(run: RunFolder) -> dict[str, Counter[str]]:
    """By mode, drives and successes over all cycles."""
    counts: dict[str, Counter[str]] = {}
    for cycle in run.cycles:
        for mode, found in _results(cycle.modes).items():
            counts.setdefault(mode, Counter()).update(n=found.n, successes=found.successes)
    return _WithEmpty(counts)


class _WithEmpty(dict[str, Counter[str]]):
    def __missing__(self, mode: str) -> Counter[str]:
        return Counter()


def _judged(run: RunFolder) -> tuple[str, dict[str, ModeResult]]:
    """The gate's results by mode; before it, those of the last selection."""
    for suite in ("gate", "select"):
        for cycle in reversed(run.cycles):
            if modes := _results(cycle.summaries[suite].get("modes") or {}):
                return suite, modes
    return "gate", {}


def _row(
    mode: FailureMode, before: float, driven: Counter[str], judged: ModeResult | None
) -> dict[str, str]:
    earlier = mode.model_copy(update={"occurrence": before})
    row = {
        "mode": mode.id,
        "text": mode.text,
        "occurrence": _change(before, mode.occurrence),
        "priority": _change(earlier.sps, mode.sps),
        "tier": _change(earlier.tier, mode.tier),
        "cycles": part_of(driven["successes"], driven["n"]) if driven["n"] else "",
        "judged": "",
        "interval": "",
        "unsafe": "",
    }
    if judged is not None and judged.n:
        row |= {
            "judged": part_of(judged.successes, judged.n),
            "interval": interval(judged.wilson_95),
            "unsafe": part_of(judged.violations, judged.n),
        }
    return row


def _change(before: float, after: float) -> str:
    shown = [figure(value) for value in (before, after)]
    return shown[1] if shown[0] == shown[1] else f"{shown[0]} → {shown[1]}"


def _coverage(
    registry: Registry,
    driven: dict[str, Counter[str]],
    judged: dict[str, ModeResult],
    suite: str,
) -> str:
    ids = [mode.id for mode in registry.modes]
    learned = sum(driven[id]["n"] > 0 for id in ids)
    tried = [judged[id] for id in ids if id in judged and judged[id].n]
    passed = sum(found.successes >= PASSED * found.n for found in tried)
    general = judged.get(GENERAL)
    beside = ""
    if general:
        beside = " " + say(
            "General scenes: {successes} of {n}.", successes=general.successes, n=general.n
        )
    told = say(
        "Of {modes} modes, {learned} were rolled out in the cycles and {tried} on the {suite} "
        "scenes, where {passed} succeeded in {share} or more.",
        modes=len(ids),
        learned=learned,
        tried=len(tried),
        suite=suite,
        passed=passed,
        share=f"{PASSED:.0%}",
    )
    return told + beside
