"""Plan against actual: what a campaign was to do, what it did, and which of it was foreseen.

Planned is what the first plan said, made from the measurement; later plans follow what was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from loopyard.cycle.accounts.cost import Cost
from loopyard.cycle.accounts.history import History, planned_seconds
from loopyard.surface.report.language import say
from loopyard.surface.report.plan_actual_data import data_mix, parameters
from loopyard.surface.report.plan_actual_line import Line, line
from loopyard.surface.report.run_folder import CycleFolder, Facts, RunFolder
from loopyard.surface.report.wording import count, duration, interval, part_of, percent

STAGES = ("expert", "relabel", "recover", "train", "select")


@dataclass(frozen=True)
class Part:
    """A table of lines under a title; note: a sentence below it, if any."""

    title: str
    lines: tuple[Line, ...]
    note: str = ""


@dataclass(frozen=True)
class Review:
    """All parts, and what of them the plan got right and wrong, in sentences."""

    parts: tuple[Part, ...]
    right: tuple[str, ...]
    wrong: tuple[str, ...]


def plan_against_actual(run: RunFolder, history: History, cost: Cost | None) -> Review | None:
    """None where no plan was made."""
    if not history.plans:
        return None
    first = history.plans[0]
    parts = [
        Part(say("Goals"), tuple(_goals(run, history))),
        Part(say("Timeline"), tuple(_timeline(run, history, first))),
        Part(say("Cycles"), tuple(_cycles(run, history, first))),
        Part(say("Stages"), tuple(_stages(history, first))),
        Part(say("Data"), tuple(data_mix(run, history, first))),
        Part(say("Parameters"), tuple(parameters(run, history))),
        Part(say("Evaluation"), tuple(_evaluation(run, first))),
        Part(say("Cost"), tuple(_cost(run, cost)), "" if cost else _no_price()),
    ]
    parts = [part for part in parts if part.lines or part.note]
    lines = [(part.title, line) for part in parts for line in part.lines]
    return Review(
        tuple(parts),
        tuple(_sentence(title, one) for title, one in lines if one.right),
        tuple(_sentence(title, one) for title, one in lines if one.right is False),
    )


def _sentence(title: str, one: Line) -> str:
    sentence = say(
        "{part}, {what}: planned {planned}, came to {actual}",
        part=title,
        what=one.what,
        planned=one.planned,
        actual=one.actual,
    )
    if one.right:
        return sentence
    return say("{sentence} ({judged})", sentence=sentence, judged=one.judged)


def _goals(run: RunFolder, history: History) -> Iterable[Line]:
    gate, settings = run.gate, run.settings
    target = (settings.get("gate") or {}).get("target")
    rate = gate.get("rate")
    yield Line(
        say("success on the gate"),
        say("{share} or more", share=percent(target)) if target is not None else "",
        f"{percent(rate)} ({part_of(gate['successes'], gate['n'])}, Wilson 95 %: "
        f"{interval(gate['wilson_95'])})"
        if rate is not None
        else say("not judged yet"),
        None if rate is None or target is None else bool(rate >= target),
        _met(None if rate is None or target is None else rate >= target),
    )
    budget_s = 60.0 * settings["budget_minutes"] if settings.get("budget_minutes") else None
    if run.finished:
        yield line(say("running time"), budget_s, history.timeline.end_s, duration)
    wished = len(settings.get("cycles") or settings.get("train_shares") or ())
    done = sum("select" in cycle.facts for cycle in run.cycles)
    yield Line(say("cycles"), count(wished) if wished else "", count(done))


def _met(goal: bool | None) -> str:
    return "" if goal is None else say("reached") if goal else say("missed")


def _timeline(run: RunFolder, history: History, first: Any) -> Iterable[Line]:
    seconds, time = first.get("seconds") or {}, history.timeline
    names = {span.stage for span in time.spans}
    yield Line(say("measuring"), "", duration(_sum(history, ["measure"])))
    parts = (
        (say("data"), ("generate", "relabel"), STAGES[:3]),
        (say("training"), ("train",), ("train",)),
        (say("selection and gate"), ("judge",), ("select", "gate")),
    )
    for what, planned, stages in parts:
        if names & set(stages):
            planned_s = sum(seconds.get(name, 0.0) for name in planned)
            actual_s = _sum(history, stages)
            yield line(what, planned_s, actual_s, duration, judge=run.finished)
    yield Line(say("plans made"), "1", count(len(history.plans)))
    yield Line(say("restarts"), "0", count(len(time.restarts_s)))
    if time.down_s:
        yield Line(say("not running"), "", duration(time.down_s))


def _sum(history: History, stages: Sequence[str]) -> float:
    """Running time of stages, of all cycles, without what was made ahead."""
    return sum(span.seconds for span in history.own_spans if span.stage in stages)


def _cycles(run: RunFolder, history: History, first: Any) -> Iterable[Line]:
    for cycle in run.cycles:
        planned = planned_seconds(_part(first, cycle.number), first)
        own_s = sum(planned.get(stage, 0.0) for stage in STAGES)
        took_s = sum(span.seconds for span in history.own_spans if span.cycle == cycle.number)
        done = "select" in cycle.facts
        what = say("cycle {n}", n=cycle.number)
        yield line(what, own_s, took_s, duration, judge=done)
        yield _training(what, cycle, planned.get("train"), history, judge=done)
        if done:
            yield Line(f"{what}, {say('success on select')}", "", _success(cycle.facts["select"]))


def _training(
    what: str, cycle: CycleFolder, planned_s: float | None, history: History, *, judge: bool
) -> Line:
    took_s = sum(span.seconds for span in history.timeline.of(f"cycle-{cycle.number}/train"))
    return line(f"{what}, {say('training')}", planned_s, took_s, duration, judge=judge)


def _part(plan: Any, cycle: int) -> Facts:
    return next((part for part in plan.get("cycles", ()) if part.get("cycle") == cycle), {})


def _stages(history: History, first: Any) -> Iterable[Line]:
    """Over the cycles that came to their selection."""
    done = [
        part for part in first.get("cycles", ()) if f"cycle-{part['cycle']}/select" in history.facts
    ]
    for stage in STAGES:
        spans = [span for span in history.own_spans if span.stage == stage]
        own = [span for span in spans if span.cycle in {part["cycle"] for part in done}]
        if own:
            planned_s = sum(planned_seconds(part, first).get(stage, 0.0) for part in done)
            yield line(stage, planned_s, sum(span.seconds for span in own), duration)


def _evaluation(run: RunFolder, first: Any) -> Iterable[Line]:
    for cycle in run.cycles:
        select = cycle.facts.get("select")
        if select:
            planned = _part(first, cycle.number).get("select")
            what = f"{say('cycle {n}', n=cycle.number)}, {say('select scenes')}"
            yield Line(what, count(planned), count(select.get("n")))
    gate = run.gate
    yield Line(say("gate scenes"), count(first.get("gate")), count(gate.get("n")))
    floor = (run.settings.get("gate") or {}).get("floor")
    if gate.get("wilson_95") and floor is not None:
        low, _ = gate["wilson_95"]
        yield Line(
            say("lower end of the gate's interval"),
            say("{share} or more", share=percent(floor)),
            percent(low),
            bool(low >= floor),
            _met(low >= floor),
        )


def _cost(run: RunFolder, cost: Cost | None) -> Iterable[Line]:
    if cost is None:
        return

    def money(amount: float | None) -> str:
        return "" if amount is None else f"{amount:,.2f} {cost.rate.currency}"

    budget = run.settings.get("budget_minutes")
    planned = cost.rate.per_hour * budget / 60.0 if budget else None
    yield line(say("the whole campaign"), planned, cost.machine, money, judge=run.finished)
    for cycle, amount in cost.by_cycle.items():
        yield Line(say("cycle {n}", n=cycle), "", money(amount))
    if cost.per_success is not None:
        each = f"{cost.per_success:,.4f} {cost.rate.currency}"
        yield Line(say("for each successful gate rollout"), "", each)
    if cost.promoted is not None:
        yield Line(say("the promoted policy"), "", money(cost.promoted))
    if cost.calls is not None:
        yield Line(say("calls of language models, on top"), "", money(cost.calls))


def _no_price() -> str:
    return say("No price of a machine-hour was named, so no cost is shown.")


def _success(found: Facts) -> str:
    return (
        f"{percent(found.get('rate'))} ({part_of(found['successes'], found['n'])}, Wilson 95 %: "
        f"{interval(found['wilson_95'])})"
    )
