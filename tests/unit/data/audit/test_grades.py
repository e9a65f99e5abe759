"""Grades follow from the checks, and every kind of warning has its trouble and its condition."""

from __future__ import annotations

import pytest
from defects.health import HEALTH

from loopyard.data.audit import AuditReport, Check
from loopyard.data.audit.grades import CONDITIONS, GATE, TROUBLE, judge
from loopyard.data.audit.report import Part, Verdict


def check(name: str, verdict: Verdict = "pass", part: Part = "health", found: str = "") -> Check:
    return Check(name, verdict, found, "", part=part)


WHOLE = [check("opens", part="integrity"), check("idle"), check("frame index", part="memorising")]


@pytest.mark.parametrize(
    ("warned", "letter"),
    [
        ([], "A"),
        (["zero: lift"], "B"),
        (["zero: lift", "zero: bucket"], "B"),
        (["zero: lift", "coverage"], "C"),
        (["zero", "coverage", "jumps", "drift"], "D"),
        (["lag"], "D"),
    ],
)
def test_warnings_give_the_letter(warned: list[str], letter: str) -> None:
    judgement = judge([*WHOLE, *(check(name, "warn") for name in warned)])
    assert [grade.letter for grade in judgement.grades] == ["A", letter, "A"]
    assert judgement.trainable
    assert judgement.conditions[0] == GATE
    for name in warned:
        assert name.partition(":")[0] in judgement.grades[1].sentence.lower()


def test_a_failure_is_an_f_and_its_mending_the_first_condition() -> None:
    judgement = judge([*WHOLE, check("finite: action", "fail", "integrity"), check("lag", "warn")])
    assert judgement.grades[0].letter == "F"
    assert not judgement.trainable
    assert judgement.conditions[0] == "what failed is mended: finite"
    assert any(condition.startswith("lag: ") for condition in judgement.conditions)


def test_what_was_not_judged_has_no_grade() -> None:
    checks = [WHOLE[0], check("lag", found="too little to say: 2 episodes")]
    assert [grade.letter for grade in judge(checks).grades] == ["A", "?", "?"]


def test_the_gravest_warning_is_the_reason() -> None:
    sentence = judge([check("zero", "warn"), check("lag", "warn")]).grades[1].sentence
    assert TROUBLE["lag"] in sentence


def test_every_planted_kind_has_its_trouble() -> None:
    kinds = {defect.check.partition(":")[0] for defect in HEALTH if defect.verdict == "warn"}
    assert kinds <= TROUBLE.keys()
    assert CONDITIONS.keys() <= TROUBLE.keys()


def test_the_report_tells_its_judgement() -> None:
    told = AuditReport("here", WHOLE).to_dict()["judgement"]
    assert told["trainable"]
    assert [grade["letter"] for grade in told["grades"]] == ["A", "A", "A"]
