"""Hostile datasets: a named answer within a GiB and a minute, and nothing of theirs is executed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from defects.bases import make_own
from hostile import ATTACKS, MARK, Attack, Victim

MEMORY = 1024**3
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, victim: Victim) -> dict[str, dict[str, Any]]:
    """What the audit says of each attack; after one that ends the process the rest go on."""
    root = tmp_path_factory.mktemp("attacks")
    base = make_own(root / "base")
    folders = {}
    for number, attack in enumerate(ATTACKS):
        folder = root / str(number) / "dataset"
        shutil.copytree(base, folder)
        attack.plant(folder)
        folders[attack.what] = folder
    answers: dict[str, dict[str, Any]] = {}
    waiting = list(folders)
    while waiting:
        found = victim(*(folders[what] for what in waiting), seconds=1800)
        answers |= dict(zip(waiting, found, strict=False))
        waiting = waiting[len(found) :]
    for what, folder in folders.items():
        marks = [folder / MARK, folder.parent / MARK, Path(MARK)]
        answers[what]["executed"] = any(mark.exists() for mark in marks)
    return answers


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what.replace(" ", "_"))
def test_an_attack_is_answered(answers: dict[str, dict[str, Any]], attack: Attack) -> None:
    answer = answers[attack.what]
    assert "died" not in answer, answer
    assert not answer["executed"]
    assert answer["verdict"] == "fail"
    said = " ".join([answer["opens"], *answer["failed"], *answer["failed"].values()])
    assert attack.told in said, said
    assert answer["peak_bytes"] < MEMORY
