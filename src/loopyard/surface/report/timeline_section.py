"""The section on when each step ran, how busy the machine was, and what it cost."""

from __future__ import annotations

from typing import Any

from loopyard.cycle.accounts.cost import Cost
from loopyard.cycle.accounts.history import History
from loopyard.cycle.accounts.review_rules import IDLE
from loopyard.surface.report.language import say
from loopyard.surface.report.timeline_chart import stages_shown, timeline_chart
from loopyard.surface.report.wording import count, duration, figure, percent


def timeline(history: History) -> dict[str, Any]:
    """chart: an SVG, None before there is a step. lines: what it shows, in sentences. rows: time
    and utilisation of each stage, over all cycles."""
    if not history.timeline.end_s:
        return {"chart": None, "lines": [], "rows": []}
    return {
        "chart": timeline_chart(history.timeline, history.rows),
        "lines": _lines(history),
        "rows": _rows(history),
    }


def _lines(history: History) -> list[str]:
    time, used = history.timeline, history.usage()
    lines = [say("Bars bear their cycle's number, pale ones were cut off.")]
    if time.restarts_s:
        lines.append(
            say(
                "Restarts: {n} (dashed lines), {down} not running, which are cut out here.",
                n=len(time.restarts_s),
                down=duration(time.down_s),
            )
        )
    if used is None:
        return [*lines, say("How busy the machine was has not been sampled.")]
    lines.append(
        say(
            "Cores idled {idle} of the time; the aim is {aim} at most. "
            "The campaign's own processes used {own} of {cores} cores on average.",
            idle=percent(used.idle_share),
            aim=percent(IDLE, 0),
            own=figure(used.own),
            cores=used.cores,
        )
    )
    lines.append(
        say(
            "Memory: {used} of {total} GB at the most.",
            used=figure(used.memory_gib),
            total=figure(used.memory_total_gib),
        )
    )
    if used.gpu:
        lines.append(
            say(
                "GPU ({name}): {use} of the time, {used} of {total} GB at the most.",
                name=used.gpu.name,
                use=percent(used.gpu.use),
                used=figure(used.gpu.memory_gib),
                total=figure(used.gpu.memory_total_gib),
            )
        )
    return lines


def _rows(history: History) -> list[dict[str, str]]:
    spans = history.timeline.spans
    total_s = sum(span.seconds for span in spans)
    rows = []
    for stage in stages_shown(history.timeline):
        own = [span for span in spans if span.stage == stage]
        seconds = sum(span.seconds for span in own)
        used = history.usage(*dict.fromkeys(span.step for span in own))
        rows.append(
            {
                "stage": stage,
                "steps": count(len({span.step for span in own})),
                "time": duration(seconds),
                "share": percent(seconds / total_s) if total_s else "",
                "busy": figure(used.busy) if used else "",
                "idle": percent(used.idle_share) if used else "",
            }
        )
    return rows


def costs(cost: Cost | None) -> list[tuple[str, str]]:
    """Rows of what it cost; none without a price."""
    if cost is None:
        return []

    def money(amount: float) -> str:
        return f"{amount:,.2f} {cost.rate.currency}"

    rows = [
        (say("price of a machine-hour"), f"{money(cost.rate.per_hour)} ({cost.rate.source})"),
        (say("the whole campaign"), money(cost.machine)),
        *((say("cycle {n}", n=cycle), money(amount)) for cycle, amount in cost.by_cycle.items()),
        (say("measuring, planning, gate and the rest"), money(cost.beside)),
    ]
    if cost.per_success is not None:
        rows.append(
            (
                say("for each successful gate rollout"),
                f"{cost.per_success:,.4f} {cost.rate.currency}",
            )
        )
    if cost.promoted is not None:
        rows.append((say("the promoted policy"), money(cost.promoted)))
    if cost.calls is not None:
        rows.append((say("calls of language models, on top"), money(cost.calls)))
    return rows
