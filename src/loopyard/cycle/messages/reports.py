"""Training speaks at least every so many minutes, so that silence means something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from loopyard.core.clock import Clock
from loopyard.cycle.messages.announcer import Announcer
from loopyard.cycle.messages.message import Message
from loopyard.cycle.messages.messenger import Messenger
from loopyard.cycle.observer import CampaignObserver
from loopyard.cycle.planning.measure import Measurement
from loopyard.cycle.planning.plan import Plan


class ReportingObserver:
    """Passes on what it hears; tells of plans, and lets Training report while it trains."""

    def __init__(
        self, observer: CampaignObserver, messenger: Messenger, announcer: Announcer, clock: Clock
    ) -> None:
        self._observer, self._messenger, self._clock = observer, messenger, clock
        self._announcer = announcer
        self.stage, self.note, self.progress = observer.stage, observer.note, observer.progress

    def plan(self, plan: Plan, measured: Measurement) -> None:
        self._observer.plan(plan, measured)
        self._announcer.plan(plan)

    def replan(self, plan: Plan) -> None:
        self._observer.replan(plan)
        self._announcer.replan(plan)

    @contextmanager
    def training(self, seconds: float, label: str) -> Iterator[Callable[[Any], None]]:
        with self._observer.training(seconds, label) as on_step:
            reports = TrainingReports(label, self._messenger, self._clock)

            def told(step: Any) -> None:
                on_step(step)
                reports.hear(step)

            yield told


class TrainingReports:
    """Posts a REPORT of one training; a try that was stopped counts on from its last report."""

    def __init__(self, label: str, messenger: Messenger, clock: Clock) -> None:
        self._label, self._messenger, self._clock = label, messenger, clock
        self._every_s = messenger.settings.report_every_minutes * 60.0
        earlier = [at for key, at in messenger.posted.items() if key.startswith(f"{label}/report-")]
        self._last_s = max(earlier, default=clock.wall())

    def hear(self, step: Any) -> None:
        """After each `loopyard.training.trainer.StepReport`."""
        now_s = self._clock.wall()
        if now_s - self._last_s < self._every_s:
            return
        self._last_s = now_s
        text = (
            f"{self._label}: {step.share:.0%} of its time, step {step.step}, "
            f"loss {step.loss:.4f}, {step.samples_per_s:.0f} samples/s"
        )
        key = f"{self._label}/report-{step.step}"
        self._messenger.post(Message(key, "REPORT", "Training", text))
