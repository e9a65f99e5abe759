"""A person's yes: the first answer stands, until a deadline that no restart moves."""

from __future__ import annotations

import pytest

from loopyard.core.errors import ConfigError, StoreError
from loopyard.cycle.messages.approval import answer, answer_of, ask, questions
from loopyard.surface.cli import main


class Person:
    """Answers at a time, while the campaign waits."""

    def __init__(self, folder, clock, at_s: float = 1e9, *, yes: bool = True) -> None:
        self.folder, self.clock, self.at_s, self.yes = folder, clock, at_s, yes
        self.beats = 0

    def wait(self, seconds: float) -> None:
        self.clock.now_s += seconds
        if self.clock.now_s >= self.at_s:
            self.at_s = 1e9
            answer(self.folder, yes=self.yes, now_s=self.clock.now_s)

    def beat(self) -> None:
        self.beats += 1

    def asked(self, name: str = "cycle-2") -> str:
        return ask(
            self.folder, name, "halve the rate", 60.0, self.clock, beat=self.beat, wait=self.wait
        )


@pytest.mark.parametrize(("yes", "found"), [(True, "yes"), (False, "no")])
def test_an_answer_ends_the_wait(tmp_path, clock, yes, found):
    person = Person(tmp_path, clock, at_s=1010.0, yes=yes)
    assert person.asked() == found
    assert clock.now_s == 1010.0
    assert person.beats == 10
    assert person.asked() == found  # asked again after a restart
    assert clock.now_s == 1010.0


def test_no_answer_in_time_is_none_and_a_later_one_is_refused(tmp_path, clock):
    assert Person(tmp_path, clock).asked() == "none"
    assert clock.now_s == 1060.0
    with pytest.raises(ConfigError, match="nothing that waits"):
        answer(tmp_path, yes=True, now_s=1061.0)
    assert Person(tmp_path, clock).asked() == "none"


def test_a_restart_does_not_move_the_deadline(tmp_path, clock):
    person = Person(tmp_path, clock)

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(tmp_path, "cycle-2", "x", 60.0, clock, wait=stop)
    clock.now_s += 45.0
    assert person.asked() == "none"
    assert clock.now_s == 1060.0


def test_after_the_deadline_no_yes_is_taken_though_nobody_closed_it(tmp_path, clock):
    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(tmp_path, "cycle-2", "x", 60.0, clock, wait=stop)
    with pytest.raises(ConfigError, match="cycle-2: found 'its deadline passed'"):
        answer(tmp_path, yes=True, now_s=1060.0)
    assert answer_of(tmp_path, questions(tmp_path)[0]) is None


def test_the_first_answer_stands(tmp_path, clock):
    assert Person(tmp_path, clock, at_s=1005.0).asked() == "yes"
    assert Person(tmp_path, clock, at_s=1008.0, yes=False).asked("cycle-3/train") == "no"
    assert [answer_of(tmp_path, one) for one in questions(tmp_path)] == ["yes", "no"]
    with pytest.raises(ConfigError):
        answer(tmp_path, yes=False, now_s=1009.0)


def test_a_damaged_file_is_named(tmp_path, clock):
    Person(tmp_path, clock, at_s=1005.0).asked()
    (tmp_path / "approvals/cycle-2.answer.json").write_text('{"answer": "perhaps"}')
    with pytest.raises(StoreError, match="answer: found 'perhaps', expected yes, no or none"):
        answer_of(tmp_path, questions(tmp_path)[0])
    (tmp_path / "approvals/cycle-2.question.json").write_text("{}")
    with pytest.raises(StoreError, match="not readable as a question"):
        questions(tmp_path)


def test_nothing_to_approve_is_wrong_use(tmp_path, capsys):
    assert main(["approve", str(tmp_path)]) == 2
    assert "found nothing that waits for an answer" in capsys.readouterr().err
