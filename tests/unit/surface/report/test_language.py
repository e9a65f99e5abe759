"""The report in another language: everything it says has its words there, with the same places."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from loopyard.core.errors import ConfigError
from loopyard.cycle.accounts.review_rules import RULES
from loopyard.evaluation.diagnosis.diagnosis import CLASSES, PATTERNS
from loopyard.surface.report import language, sections
from loopyard.surface.report.language import say, say_in_chart, speaking, spoken, table
from loopyard.surface.report.wording import duration, interval, part_of

FOLDER = Path(language.__file__).parent
OTHERS = [code for code in language.LANGUAGES if code != language.ENGLISH]
TITLES = ("Machine", "Measured beforehand", "The plan made from it", "Every setting")


def said() -> set[str]:
    """All that templates and sections say, and the constants that they hand to `say`."""
    found = {word for word, _ in sections.VERDICTS.values()} | {sections.UNFINISHED[0], *TITLES}
    found |= set(sections.VERDICTS) | {*CLASSES.values(), *PATTERNS.values()}
    for template in FOLDER.glob("templates/*.j2"):
        found |= set(re.findall(r"\b_\(\"([^\"]+)\"", template.read_text()))
        found |= set(re.findall(r"\b_\('([^']+)'", template.read_text()))
    for module in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                found |= text_of(node.args[0])
    return found - {""}


def advice() -> set[str]:
    """The texts of the review's rules, joined where they are written in parts."""
    source = Path(RULES[0].__code__.co_filename).read_text()
    assigned = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assign))
    texts = (node.value for node in assigned if getattr(node.targets[0], "id", "") == "text")
    return set().union(*map(text_of, texts))


def text_of(node: ast.AST) -> set[str]:
    """A text that is written out; nothing of any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return set()


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_everything_that_is_said_has_its_words(code):
    missing = (said() | advice()) - table(code).keys()
    assert not missing, "\n".join(sorted(missing))


@pytest.mark.parametrize("code", OTHERS)
def test_the_words_have_the_same_places(code):
    for text, words in table(code).items():
        assert places(text) == places(words), text


def test_korean_is_spoken_within_and_english_after():
    assert duration(750) == "12 min 30 s"
    with speaking("ko"):
        assert spoken() == "ko"
        assert duration(750) == "12분 30초"
        assert duration(3900) == "1시간 05분"
        assert part_of(96, 100) == "100개 중 96개"
        assert interval((0.5, 0.75)).replace("\u202f", " ") == "50.0 % ~ 75.0 %"
        assert say("What was asked") != "What was asked"
        assert say("no such words {n}", n=3) == "no such words 3"
    assert spoken() == "en"


def test_a_language_without_a_table_is_refused():
    with pytest.raises(ConfigError, match="'ko'"), speaking("xx"):
        pass


def test_a_chart_is_told_word_by_word_and_its_numbers_stay():
    svg = "<svg><text>minutes</text><text>cycle 12</text><text> 42 </text></svg>"
    assert say_in_chart(svg) == svg
    with speaking("ko"):
        told = say_in_chart(svg)
    assert "<text>분</text>" in told
    assert "12" in told
    assert "cycle" not in told
    assert "<text> 42 </text>" in told
