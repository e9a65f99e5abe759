"""Lesson: a cause found, the figure that shows it, and the change it asks for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from loopyard.cycle.messages.roles import Role

Category = Literal["technical", "data", "training", "process"]
Operation = Literal["set", "times", "plus"]


class Record(BaseModel):
    """A value that is kept as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Record):
    """What was measured, and from where on it is bad: ``above`` or ``below`` its limit."""

    name: str
    value: float
    limit: float
    worse: Literal["above", "below"] = "above"

    @property
    def bad(self) -> bool:
        return self.value > self.limit if self.worse == "above" else self.value < self.limit

    def better_than(self, value: float) -> bool:
        """Whether it has moved from ``value`` to the good side."""
        return self.value < value if self.worse == "above" else self.value > value

    @property
    def text(self) -> str:
        most = "at most" if self.worse == "above" else "at least"
        return f"{self.name}: {self.value:.3g}, {most} {self.limit:.3g} is right"


class Change(Record):
    """What shall become of a campaign's setting, by its dotted name.

    ``cycles.rollouts``, ``cycles.episodes``, ``cycles.recoveries`` and ``cycles.epochs`` are those
    of every cycle to come, wherever the campaign says them.
    """

    setting: str
    operation: Operation
    value: Any

    def of(self, before: Any) -> Any:
        """The new value. Raises TypeError where ``before`` is no number to count with."""
        if self.operation == "set":
            return self.value
        if isinstance(before, bool) or not isinstance(before, int | float):
            raise TypeError(f"found {before!r}, expected a number")
        after = before * self.value if self.operation == "times" else before + self.value
        return round(after) if isinstance(before, int) else round(after, 9)

    @property
    def text(self) -> str:
        return f"{self.setting} {_SIGNS[self.operation]} {self.value}"


_SIGNS: dict[Operation, str] = {"set": "=", "times": "x", "plus": "+"}


class Lesson(Record):
    """What a rule found about a cycle. It is learned only where its figure is bad; a good figure
    is what retires it later.

    rule: the rule's name, which fills it in itself. about: what of the cycle it concerns, such as
    an action channel. cause: with its evidence. ask: the change in words. role: who applies it.
    """

    figure: Figure
    category: Category
    role: Role
    problem: str
    cause: str
    ask: str
    changes: tuple[Change, ...] = ()
    about: str = ""
    rule: str = ""

    @property
    def name(self) -> str:
        """The same lesson has the same name in every cycle."""
        return f"{self.rule}: {self.about}" if self.about else self.rule

    @property
    def bad(self) -> bool:
        return self.figure.bad


def times(setting: str, factor: float) -> Change:
    return Change(setting=setting, operation="times", value=factor)


def plus(setting: str, more: float) -> Change:
    return Change(setting=setting, operation="plus", value=more)


def put(setting: str, value: Any) -> Change:
    return Change(setting=setting, operation="set", value=value)
