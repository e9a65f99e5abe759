"""What each section of the page shows, computed from the run folder for the template to place."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from loopyard.evaluation.record import RolloutRecord
from loopyard.surface.report import charts
from loopyard.surface.report.language import ENGLISH, say, spoken
from loopyard.surface.report.run_folder import CycleFolder, Facts, RunFolder
from loopyard.surface.report.wording import (
    count,
    duration,
    figure,
    interval,
    part_of,
    percent,
    plain,
    while_training,
)

VERDICTS = {
    "promote": ("Promoted", "good"),
    "reject": ("Rejected", "bad"),
    "inconclusive": ("Inconclusive", "open"),
}
UNFINISHED = ("Not finished", "open")
PARTS = (("generate_s", "data"), ("train_s", "training"), ("rollout_s", "rollouts"))
SHOWN_FAILURES = 40


def verdict(run: RunFolder) -> dict[str, Any]:
    """The head of the page: the word, the rate, the interval, the reason."""
    gate = run.gate
    word, tone = VERDICTS.get(str(gate.get("verdict")), UNFINISHED)
    summary = _judged_summary(run)
    shown: dict[str, Any] = {
        "word": say(word),
        "tone": tone,
        "bar": None,
        "rate": None,
        "facts": [],
        "reason": _because(run),
    }
    if not run.finished:
        shown["reason"] = say(
            "The campaign has not reached its gate. What is there is shown below; "
            "the same loopyard run goes on from it."
        )
        return shown
    low, high = _interval(gate)
    shown |= {
        "rate": percent(gate.get("rate")),
        "found": say(
            "{successes} of {n} unseen scenes", successes=gate.get("successes"), n=gate.get("n")
        ),
        "interval": interval((low, high)),
        "seeds": gate.get("seeds"),
        "bar": {
            "low": 100 * low,
            "high": 100 * high,
            "rate": 100 * float(gate.get("rate", 0)),
            "target": _hundred(gate.get("target", _setting(run, "gate", "target"))),
            "floor": _hundred(gate.get("floor", _setting(run, "gate", "floor"))),
        },
        "facts": _verdict_facts(run, summary),
    }
    return shown


def _because(run: RunFolder) -> str:
    """The gate's reason without the counts at its head, which the page shows larger.

    The gate writes English; another language says it anew where the figures alone are the reason.
    """
    gate = run.gate
    reason = str(gate.get("reason") or "")
    head, found, rest = reason.partition("%): ")
    target = gate.get("target", _setting(run, "gate", "target"))
    floor = gate.get("floor", _setting(run, "gate", "floor"))
    told_by_figures = not ("incumbent" in reason or gate.get("anytime_95"))
    if spoken() == ENGLISH or None in (target, floor) or not told_by_figures:
        return rest if found and "Wilson" in head else reason
    rate, (low, high) = gate.get("rate") or 0.0, _interval(gate)
    if high < target:
        text = "The target of {target} is above the whole interval."
    elif rate < target:
        text = "Below the target of {target}, which is still in the interval."
    elif low < floor:
        text = "The target of {target} is reached, but the interval reaches below {floor}."
    else:
        text = "The target of {target} is reached and the interval is above {floor}."
    return say(text, target=percent(target), floor=percent(floor))


def _verdict_facts(run: RunFolder, summary: Facts) -> list[tuple[str, str]]:
    bricks = summary.get("bricks") or {}
    rows = [
        (say("wall time"), duration(run.result.get("wall_s"))),
        (say("cycles"), str(len(run.cycles))),
        (say("episodes"), count(_total(run, "episodes"))),
        (say("frames"), count(_total(run, "frames"))),
    ]
    if summary.get("success_seconds_median") is not None:
        rows.append((say("to success, median"), duration(summary["success_seconds_median"])))
    if bricks.get("seconds_each") is not None:
        rows.append((say("a brick takes"), duration(bricks["seconds_each"])))
    if summary.get("idle_share") is not None:
        rows.append((say("standing still"), percent(summary["idle_share"])))
    return rows


def asked(run: RunFolder) -> list[tuple[str, str]]:
    """What the campaign was to do, in a few rows."""
    settings = run.settings
    world = settings.get("world", run.result.get("world"))
    preset = settings.get("preset", run.result.get("preset"))
    rows = [
        (say("world"), f"{world}, preset {preset}" if world else None),
        (
            say("parameters"),
            ", ".join(f"{name} {value}" for name, value in (settings.get("params") or {}).items())
            or None,
        ),
    ]
    budget = settings.get("budget_minutes")
    rows.append((say("time budget"), duration(60 * budget) if budget else None))
    target, floor = _setting(run, "gate", "target"), _setting(run, "gate", "floor")
    if target is not None:
        rows.append(
            (
                say("to be promoted"),
                say(
                    "{target} of {n} unseen scenes, and the interval's lower end at {floor} "
                    "or more",
                    target=percent(target, 0),
                    n=_setting(run, "gate", "n"),
                    floor=percent(floor, 0),
                ),
            )
        )
    rows.append((say("campaign seed"), str(settings["seed"]) if "seed" in settings else None))
    return [(name, value) for name, value in rows if value]


def cycles(run: RunFolder) -> dict[str, Any]:
    """Success per cycle, loss beside it, and the table of both."""
    rates = [(cycle, rate) for cycle in run.cycles if (rate := _rate(cycle)) is not None]
    measured = [
        (f"cycle {cycle.number}", float(cycle.facts["final_loss"]), rate)
        for cycle, rate in rates
        if cycle.facts.get("final_loss") is not None
    ]
    curves = [(f"cycle {cycle.number}", cycle.losses) for cycle in run.cycles if cycle.losses]
    target = _setting(run, "gate", "target")
    return {
        "success": charts.success_chart([rate for _, rate in rates], target) if rates else None,
        "against_loss": charts.loss_against_success(measured) if len(measured) > 1 else None,
        "loss": charts.loss_chart(curves) if curves else None,
        "rows": [_cycle_row(cycle) for cycle in run.cycles],
        "meanwhile": any(cycle.meanwhile for cycle in run.cycles),
    }


def _cycle_row(cycle: CycleFolder) -> dict[str, str]:
    facts, rate = cycle.facts, _rate(cycle)
    select = facts.get("select") or {}
    return {
        "cycle": str(cycle.number),
        "episodes": count(facts.get("episodes")),
        "frames": count(facts.get("frames")),
        "audit": str(cycle.audit.get("verdict", "")),
        "loss": figure(facts.get("final_loss")),
        "success": part_of(select.get("successes"), select.get("n")) if rate else "",
        "rate": percent(rate.rate) if rate else "",
        "interval": interval((rate.low, rate.high)) if rate else "",
        "meanwhile": while_training(cycle.meanwhile),
    }


def failures(run: RunFolder) -> dict[str, Any]:
    """What went wrong on the judged scenes (before the gate: on the last select scenes)."""
    suite, records = _judged(run)
    failed = [record for record in records if not record.outcome.success]
    kinds = Counter(record.outcome.reason for record in failed).most_common()
    events: Counter[str] = Counter()
    for record in records:
        events.update(record.outcome.counts)
    return {
        "suite": suite,
        "n": len(records),
        "failed": len(failed),
        "kinds": [
            {"name": plain(kind), "count": number, "share": 100 * number / len(failed)}
            for kind, number in kinds
        ],
        "events": [
            (plain(name), count(number), figure(number / len(records)))
            for name, number in sorted(events.items())
        ],
        "scenes": [_failed_scene(record) for record in failed[:SHOWN_FAILURES]],
        "left_out": max(0, len(failed) - SHOWN_FAILURES),
    }


def _failed_scene(record: RolloutRecord) -> dict[str, str]:
    outcome = record.outcome
    return {
        "seed": str(record.seed),
        "reason": plain(outcome.reason),
        "progress": percent(outcome.progress, 0),
        "seconds": duration(outcome.seconds),
        "idle": percent(outcome.idle_share, 0),
        "events": ", ".join(f"{plain(name)} {number}" for name, number in outcome.counts.items()),
    }


def times(run: RunFolder) -> dict[str, Any]:
    """Where the time went, and how fast each part was."""
    bars = []
    for cycle in run.cycles:
        parts = {name: float(cycle.facts[key]) for key, name in PARTS if cycle.facts.get(key)}
        if parts:
            bars.append((f"cycle {cycle.number}", parts))
    spent = sum(sum(parts.values()) for _, parts in bars)
    wall_s = run.result.get("wall_s")
    if bars and wall_s and wall_s > spent:
        bars.append(("gate and rest", {"gate, films and rest": wall_s - spent}))
    return {
        "chart": charts.time_chart(bars) if bars else None,
        "rates": _rates(run),
        "wall": duration(wall_s) if wall_s else None,
    }


def _rates(run: RunFolder) -> list[dict[str, str]]:
    rows = []
    for cycle in run.cycles:
        samples = [row["samples_per_s"] for row in cycle.losses if row.get("samples_per_s")]
        summary = cycle.summaries["gate"] or cycle.summaries["select"]
        fresh = summary.get("n", 0) - summary.get("reused", 0)
        driven_s = summary.get("wall_s")
        rows.append(
            {
                "cycle": str(cycle.number),
                "frames": figure(cycle.generate.get("frames_per_s"), 4),
                "failed": count(cycle.generate.get("failed")),
                "samples": figure(float(median(samples)) if samples else None),
                "rollouts": figure(fresh / driven_s if driven_s and fresh else None),
                "inference": figure(summary.get("inference_p50_ms")),
            }
        )
    return rows


def _rate(cycle: CycleFolder) -> charts.Rate | None:
    select = cycle.facts.get("select")
    if not isinstance(select, dict) or not select.get("n"):
        return None
    low, high = _interval(select)
    return charts.Rate(f"cycle {cycle.number}", float(select.get("rate", 0)), low, high)


def _interval(facts: Facts) -> tuple[float, float]:
    low, high = facts.get("wilson_95") or (0.0, 1.0)
    return float(low), float(high)


def _judged(run: RunFolder) -> tuple[str, list[RolloutRecord]]:
    """The records the page speaks of: the gate's, else the latest there are."""
    for suite in ("gate", "select"):
        for cycle in reversed(run.cycles):
            if cycle.records[suite]:
                return suite, cycle.records[suite]
    return "gate", []


def _judged_summary(run: RunFolder) -> Facts:
    return next(
        (cycle.summaries["gate"] for cycle in reversed(run.cycles) if cycle.summaries["gate"]), {}
    )


def _total(run: RunFolder, name: str) -> float | None:
    values = [cycle.facts[name] for cycle in run.cycles if cycle.facts.get(name) is not None]
    return sum(values) if values else None


def _setting(run: RunFolder, section: str, name: str) -> Any:
    found = run.settings.get(section)
    return found.get(name) if isinstance(found, dict) else None


def _hundred(share: Any) -> float | None:
    return None if share is None else 100 * float(share)
