"""The rules: small functions with a name, from a cycle's facts to lessons.

A rule yields a lesson for everything it looked at, with its figure, be it good or bad: a bad figure
makes the lesson, a good one retires it. What it could not measure it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, cast

from loopyard.core.errors import ConfigError, expected
from loopyard.cycle.lessons.facts import CycleFacts
from loopyard.cycle.lessons.lesson import Figure, Lesson
from loopyard.cycle.lessons.of_data import DATA_RULES
from loopyard.cycle.lessons.of_rollouts import ROLLOUT_RULES
from loopyard.cycle.lessons.of_training import TRAINING_RULES

Rule = Callable[[CycleFacts], Iterable[Lesson]]

BUILT_IN: tuple[Rule, ...] = (*TRAINING_RULES, *DATA_RULES, *ROLLOUT_RULES)


def open_rules(own: Sequence[str]) -> tuple[Rule, ...]:
    """The built-in rules and those of the user's own, each named ``package.module:function``.

    Raises:
        ConfigError: one cannot be imported, or is no function.
    """
    return (*BUILT_IN, *map(_load, own))


def found_by_rules(rules: Sequence[Rule], facts: CycleFacts) -> list[Lesson]:
    """What the rules found, each lesson under the name of its rule.

    A rule that fails ends no campaign: that it failed is a lesson for whoever wrote it.
    """
    found: list[Lesson] = []
    for rule in rules:
        try:
            own = [lesson.model_copy(update={"rule": rule.__name__}) for lesson in rule(facts)]
        except Exception as error:
            own = [_failed(rule, error)]
        found += own
    return found


def _load(path: str) -> Rule:
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ConfigError(expected("lessons", "rules", path, "'package.module:function'"))
    rule: Any = None
    try:
        rule = getattr(import_module(module), name, None)
    except ImportError as error:
        raise ConfigError(
            f"lessons: rules: {path}: cannot import '{module}': {error} "
            "(looked in the current folder and on PYTHONPATH)"
        ) from error
    if not (callable(rule) and hasattr(rule, "__name__")):
        raise ConfigError(f"lessons: rules: {path}: '{module}' has no function '{name}'")
    return cast(Rule, rule)


def _failed(rule: Rule, error: Exception) -> Lesson:
    return Lesson(
        rule=rule.__name__,
        about="the rule itself",
        category="technical",
        role="Developer",
        figure=Figure(name="errors of the rule", value=1, limit=0),
        problem="the rule could not look at this cycle",
        cause=f"{type(error).__name__}: {error}",
        ask="mend the rule",
    )
