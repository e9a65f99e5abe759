"""Lessons: what a cycle's files say should be done otherwise, and what became of it."""

from loopyard.cycle.lessons.facts import CycleFacts
from loopyard.cycle.lessons.learn import learn_lessons
from loopyard.cycle.lessons.ledger import Ledger
from loopyard.cycle.lessons.lesson import Change, Figure, Lesson

__all__ = ["Change", "CycleFacts", "Figure", "Ledger", "Lesson", "learn_lessons"]
