"""The report's language: English is written where it is said, and every other has a table.

What a run folder says itself (settings, reasons of the gate, lessons) stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any

import yaml

from loopyard.core.errors import ConfigError, expected

PACKAGE = "loopyard.surface.report"
ENGLISH = "en"
LANGUAGES = (ENGLISH, "ko")
NUMBER = re.compile(r"\d+(\.\d+)?")
_spoken: ContextVar[str] = ContextVar("report_language", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it, `say` speaks this language.

    Raises:
        ConfigError: one that there is no table of.
    """
    if language not in LANGUAGES:
        raise ConfigError(expected("report", "lang", language, f"one of {list(LANGUAGES)}"))
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """The language's code, such as ``ko``."""
    return _spoken.get()


def say(text: str, **values: Any) -> str:
    """``text`` in the spoken language, its braces filled; as it is where the table lacks it."""
    found = table(spoken()).get(text, text)
    return found.format(**values) if values else found


def say_in_chart(svg: str) -> str:
    """A chart in the spoken language: text that the table knows, one number in it apart.

    Charts are laid out in English, so that no font needs to be there when they are made.
    """
    words = table(spoken())

    def told(match: re.Match[str]) -> str:
        text = match[1].strip()
        number = NUMBER.search(text)
        pattern = NUMBER.sub("{n}", text, count=1)
        if text in words:
            return f">{words[text]}<"
        if number and pattern in words:
            return f">{words[pattern].format(n=number[0])}<"
        return match[0]

    return re.sub(r">([^<>]+)<", told, svg) if words else svg


@cache
def table(language: str) -> Mapping[str, str]:
    """{English: that language}; empty for English itself."""
    if language == ENGLISH:
        return {}
    file = resources.files(PACKAGE) / f"wording.{language}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))
