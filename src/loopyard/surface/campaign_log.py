"""A campaign on the terminal: stages, the plan with its figures, progress and time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from loopyard.cycle.planning.measure import Measurement
from loopyard.cycle.planning.plan import CyclePlan, Plan
from loopyard.surface.console import Console, duration_text


class CampaignLog:
    """Shows what `loopyard.cycle.observer.CampaignObserver` hears."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, name: str) -> None:
        self._console.print(f"== {name}")

    def note(self, text: str) -> None:
        self._console.print(f"   {text}")

    def plan(self, plan: Plan, measured: Measurement) -> None:
        self._console.print(measured_text(measured))
        self._console.print(plan_text(plan))
        for warning in plan.warnings:
            self._console.warn(warning)

    def replan(self, plan: Plan) -> None:
        self._console.print(plan_text(plan, "what is left"))
        for warning in plan.warnings:
            self._console.warn(warning)

    @contextmanager
    def progress(self, total: float, unit: str, label: str) -> Iterator[Callable[[bool], None]]:
        with self._console.progress(total, unit, label) as bar:
            succeeded = 0

            def done(success: bool) -> None:
                nonlocal succeeded
                succeeded += success
                bar.advance(1, note=f"{succeeded} succeeded")

            yield done

    @contextmanager
    def training(self, seconds: float, label: str) -> Iterator[Callable[[Any], None]]:
        with self._console.progress(100, "% of its time", label) as bar:

            def on_step(report: Any) -> None:
                bar.update(done=round(100 * report.share, 1), note=f"loss {report.loss:.4f}")

            yield on_step


def measured_text(measured: Measurement) -> str:
    """One line for each thing that was measured."""
    figures = measured.to_dict()
    return "\n".join(
        [
            f"   one episode    {1e3 * measured.episode_s:7.1f} ms  "
            f"({figures['frames_per_s']:.0f} frames/s with {measured.workers} workers)",
            f"   one step       {1e3 * measured.step_s:7.1f} ms  "
            f"({figures['samples_per_s']:.0f} samples/s)",
            f"   one rollout    {1e3 * measured.rollout_s:7.1f} ms  (to the time limit)",
        ]
    )


def plan_text(plan: Plan, heading: str = "plan") -> str:
    """What will be done, and how long each part should take."""
    lines = [f"   {heading}:"]
    for part in plan.cycles:
        kinds = (
            (part.episodes, "episodes"),
            (part.rollouts, "labelled rollouts"),
            (part.recoveries, "recoveries"),
        )
        data = [f"{count} {kind}" for count, kind in kinds if count]
        lines.append(
            f"   cycle {part.cycle}: {', '.join([*data, _length(part)])}, "
            f"{part.select} rollouts to select"
        )
    parts = ", ".join(
        f"{name} {duration_text(seconds)}"
        for name, seconds in plan.seconds.items()
        if name not in ("budget", "used")
    )
    lines.append(f"   gate: {plan.gate} rollouts")
    used = f", used {duration_text(plan.seconds['used'])}" if plan.seconds["used"] else ""
    lines.append(f"   budget {duration_text(plan.seconds['budget'])}{used}: {parts}")
    return "\n".join(lines)


def _length(part: CyclePlan) -> str:
    if part.steps:
        return f"{part.steps} steps of training"
    if part.epochs:
        return f"{part.epochs:g} epochs of training"
    return f"{part.train_minutes:.1f} min of training"
