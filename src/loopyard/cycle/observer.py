"""What a campaign tells as it goes; the surface shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from loopyard.cycle.planning.measure import Measurement
from loopyard.cycle.planning.plan import Plan


class CampaignObserver(Protocol):
    """Hears of every stage. Nothing it does changes the campaign."""

    def stage(self, name: str) -> None: ...

    def note(self, text: str) -> None: ...

    def plan(self, plan: Plan, measured: Measurement) -> None: ...

    def replan(self, plan: Plan) -> None:
        """Before each later cycle: what is left, by what the cycles showed."""
        ...

    def progress(
        self, total: float, unit: str, label: str
    ) -> AbstractContextManager[Callable[[bool], None]]:
        """Gives what is called once for each unit that is done, with whether it succeeded."""
        ...

    def training(self, seconds: float, label: str) -> AbstractContextManager[Callable[[Any], None]]:
        """Gives what is called after each step with its `loopyard.training.trainer.StepReport`."""
        ...


class Pulse:
    """Passes on what it hears, and calls ``beat`` for every unit of work and every note."""

    def __init__(self, observer: CampaignObserver, beat: Callable[[], None]) -> None:
        self._observer, self._beat = observer, beat
        self.stage = observer.stage
        self.plan, self.replan = observer.plan, observer.replan

    def note(self, text: str) -> None:
        self._observer.note(text)
        self._beat()

    @contextmanager
    def progress(self, total: float, unit: str, label: str) -> Iterator[Callable[[bool], None]]:
        with self._observer.progress(total, unit, label) as done:
            yield self._with_beat(done)

    @contextmanager
    def training(self, seconds: float, label: str) -> Iterator[Callable[[Any], None]]:
        with self._observer.training(seconds, label) as on_step:
            yield self._with_beat(on_step)

    def _with_beat(self, tell: Callable[[Any], None]) -> Callable[[Any], None]:
        def told(what: Any) -> None:
            tell(what)
            self._beat()

        return told


class Silence:
    """Hears and says nothing."""

    def stage(self, name: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def plan(self, plan: Plan, measured: Measurement) -> None:
        pass

    def replan(self, plan: Plan) -> None:
        pass

    @contextmanager
    def progress(self, total: float, unit: str, label: str) -> Iterator[Callable[[bool], None]]:
        yield lambda success: None

    @contextmanager
    def training(self, seconds: float, label: str) -> Iterator[Callable[[Any], None]]:
        yield lambda report: None
