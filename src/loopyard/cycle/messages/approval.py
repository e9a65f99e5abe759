"""A person's yes: a campaign asks in its run folder, `loopyard approve` answers there.

The first answer stands, the campaign's own at the deadline among them: an answer is a file that is
made whole under a name of its own and then linked, which fails where there is one already.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from loopyard.core.clock import Clock
from loopyard.core.errors import ConfigError, StoreError, expected
from loopyard.store.atomic import fsync_path, write_json

Answer = Literal["yes", "no", "none"]

FOLDER = "approvals"
LOOK_S = 1.0


@dataclass(frozen=True)
class Question:
    """What waits for a yes. Times are in seconds since the epoch."""

    name: str
    text: str
    asked_s: float
    deadline_s: float


def ask(
    folder: Path,
    name: str,
    text: str,
    within_s: float,
    clock: Clock,
    *,
    beat: Callable[[], None] = lambda: None,
    wait: Callable[[float], None] = time.sleep,
) -> Answer:
    """Wait in a run folder for an answer; ``none`` where there is none in time.

    A question that was asked before keeps its deadline, and an answer that was given stands. beat
    is called while it waits.
    """
    path = _path(folder, name)
    if not path.exists():
        now_s = clock.wall()
        write_json(path, asdict(Question(name, text, now_s, now_s + within_s)))
    question = _read(path)
    while (found := answer_of(folder, question)) is None:
        left_s = question.deadline_s - clock.wall()
        if left_s <= 0:
            return _give(folder, question, "none")
        beat()
        wait(min(LOOK_S, left_s))
    return found


def answer(folder: Path, *, yes: bool, now_s: float) -> Question:
    """Answer what waits in a run folder, the oldest first.

    Raises:
        ConfigError: nothing waits there, or what waited is past its deadline or answered.
    """
    waiting = [one for one in questions(folder) if answer_of(folder, one) is None]
    if not waiting:
        raise ConfigError(f"{folder}: found nothing that waits for an answer")
    question = waiting[0]
    given: Answer = "yes" if yes else "no"
    late = now_s >= question.deadline_s
    if late or _give(folder, question, given) != given:
        found = "its deadline passed" if late else "it was answered meanwhile"
        raise ConfigError(expected(str(folder), question.name, found, "an answer in time"))
    return question


def questions(folder: Path) -> list[Question]:
    """All that were asked in a run folder, in order."""
    found = [_read(path) for path in (folder / FOLDER).glob("*.question.json")]
    return sorted(found, key=lambda question: question.asked_s)


def answer_of(folder: Path, question: Question) -> Answer | None:
    """The answer that stands; None while there is none."""
    path = _path(folder, question.name, "answer")
    try:
        found = json.loads(path.read_text())["answer"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        found = None
    if found not in ("yes", "no", "none"):
        raise StoreError(expected(str(path), "answer", found, "yes, no or none"))
    return found


def _give(folder: Path, question: Question, given: Answer) -> Answer:
    """Make ``given`` the answer unless there is one; the answer that stands."""
    path = _path(folder, question.name, "answer")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    write_json(draft, {"answer": given})
    try:
        os.link(draft, path)
        fsync_path(path.parent)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return answer_of(folder, question) or given


def _path(folder: Path, name: str, what: str = "question") -> Path:
    return folder / FOLDER / f"{re.sub(r'[^A-Za-z0-9-]+', '-', name)}.{what}.json"


def _read(path: Path) -> Question:
    try:
        return Question(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}: not readable as a question: {error}") from None
