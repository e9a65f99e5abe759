"""What a message must keep to before it is sent, and how it reads."""

from __future__ import annotations

import pytest

from loopyard.cycle.messages.message import Message, quoted, refusal, unreachable
from loopyard.cycle.messages.roles import KINDS, OWNERS, ROLES, owner_of
from loopyard.cycle.messages.settings import DISCORD_ID

IDS = {"Developer": "323456789012345678", "Watcher": "12"}


def message(text: str = "all is well", kind: str = "REPORT", **more) -> Message:
    return Message("k", kind, "Training", text, **more)  # type: ignore[arg-type]


def test_a_message_reads_as_a_line():
    done = message("50 episodes", "DONE", to="Developer", artifacts=("a/b", "c"))
    assert done.line() == "[DONE] Developer Training: 50 episodes (a/b, c)"
    assert done.line({"Developer": "<@3>"}) == "[DONE] <@3> Training: 50 episodes (a/b, c)"
    assert message().line() == "[REPORT] Training: all is well"
    assert Message.from_dict(done.to_dict()) == done


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message(kind="SHOUT"), "kind: found 'SHOUT', expected one of REPORT"),
        (message(to="Boss"), "role: found 'Boss', expected one of Watcher"),
        (message("  "), "text: found nothing"),
        (message("do it", "REQUEST"), "REQUEST: found no addressee"),
        (message("yours", "HANDOFF"), "HANDOFF: found no addressee"),
        (message("@Developer, look"), "found the plain name @Developer, which reaches nobody"),
        (message("look (@here)"), "plain name @here"),
        (message("look @&Developer"), "plain name @&Developer"),
        (message("made", "DONE"), "DONE: found no artifact"),
        (
            message("made", "DONE", artifacts=("there", "gone")),
            "DONE: artifact gone: found nothing",
        ),
        (message("made", artifacts=("gone",)), "REPORT: artifact gone: found nothing"),
        (message("made", "DONE", artifacts=("../other",)), "a path outside the run folder"),
        (message("made", "DONE", artifacts=("/etc/passwd",)), "a path outside the run folder"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_reason(tmp_path, wrong, reason):
    folder = tmp_path / "run"
    (folder / "there").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    assert reason in refusal(wrong, folder)


@pytest.mark.parametrize(
    "right",
    [
        message(),
        message("mail me@home.example, or <@323456789012345678>"),
        message("made", "DONE", artifacts=("there",)),
        message("make it again", "REQUEST", to="Developer"),
    ],
)
def test_what_keeps_to_them_is_not(tmp_path, right):
    (tmp_path / "there").touch()
    assert refusal(right, tmp_path) == ""
    assert unreachable(right, IDS, DISCORD_ID) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message(to="Training"), "to Training: found no id, expected one that <@id> can mention"),
        (message(to="Watcher"), "to Watcher: found '12', expected one"),
        (message("see <@999999999999999999>"), "found <@999999999999999999>, expected the id of"),
        (message("see <@Developer>"), "found <@Developer>, expected the id of a role"),
        (message("see <@&323456789012345678>"), "expected the id of a role"),
    ],
)
def test_what_reaches_nobody_is_refused(wrong, reason):
    assert reason in unreachable(wrong, IDS, DISCORD_ID)  # type: ignore[arg-type]


def test_foreign_words_ping_nobody_and_break_no_rule(tmp_path):
    text = quoted("data/@everyone\n <@1> ")
    assert text == "data/(at)everyone <(at)1>"
    assert refusal(message(text), tmp_path) == ""


def test_every_stage_has_an_owner():
    assert set(OWNERS.values()) == set(ROLES)
    assert owner_of("train") == "Training"
    assert owner_of("measure") == owner_of("something new") == "Watcher"
    assert KINDS == ("REPORT", "REQUEST", "DONE", "BLOCKED", "HANDOFF")
