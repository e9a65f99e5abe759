"""`loopyard run` with failure modes: sampled, driven, learned from, and reported."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.e2e

WORLD = "reach_world:ReachWorld"
MODES = {
    "modes": [
        {
            "id": "FM-X01",
            "text": "glue on the floor, so that nothing moves",
            "severity": 6,
            "occurrence": 5,
            "difficulty": 1,
            "worlds": {WORLD: {"params": {"glued_every": 2}}},
        },
        {
            "id": "FM-X02",
            "text": "little time",
            "severity": 2,
            "occurrence": 1,
            "difficulty": 1,
            "worlds": {WORLD: {"draw": {"max_steps": [8, 14]}}},
        },
    ]
}


RULES = """
from loopyard.cycle.lessons import Change, Figure, Lesson


def quick_rate(facts):
    yield told("learning rate", 1000 * facts.settings["train"]["lr"], "train.lr")


def many_judges(facts):
    yield told("gate scenes", facts.settings["gate"]["n"], "gate.n")


def told(name, value, setting):
    return Lesson(
        category="process",
        role="Watcher",
        figure=Figure(name=name, value=value, limit=2),
        problem=f"{value} is too much",
        cause="so it was asked for",
        ask="half of it",
        changes=(Change(setting=setting, operation="times", value=0.5),),
    )
"""


@pytest.fixture(scope="module")
def shell(new_shell, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return new_shell(tmp_path_factory.mktemp("modes"))


@pytest.fixture(scope="module")
def result(shell) -> dict[str, Any]:
    (shell.folder / "modes.yaml").write_text(yaml.safe_dump(MODES))
    scenarios = {"modes": ["modes.yaml"], "variety": 6, "recoveries": 4, "before_s": 0.4}
    scenarios["curriculum"] = {"probes": 3}
    gate = {"n": 12, "target": 0.5, "floor": 0.01}
    (shell.folder / "toy_rules.py").write_text(RULES)
    settings = {"scenarios": scenarios, "gate": gate, "select": {"n": 8}}
    settings["lessons"] = {"rules": ["toy_rules:quick_rate", "toy_rules:many_judges"]}
    done = shell.run("run", shell.campaign(**settings))
    # Half of the first mode's scenes cannot be won: whether the gate opens does not matter here.
    assert done.returncode in (0, 1), done.stderr
    return json.loads((shell.folder / "runs/trial/result.json").read_text())


def test_each_mode_is_judged_with_as_many_scenes(shell, result):
    gate = result["gate"]
    assert gate["n"] == 12
    modes = gate["summary"]["modes"]
    assert {mode: row["n"] for mode, row in modes.items()} == {"FM-X01": 6, "FM-X02": 6}
    low, high = modes["FM-X01"]["wilson_95"]
    assert low <= modes["FM-X01"]["rate"] <= high


def test_a_cycle_keeps_what_it_sampled_and_what_it_learned(shell, result):
    cycles = shell.folder / "runs/trial/cycles"
    for cycle in ("01", "02"):
        lines = (cycles / cycle / "scenarios.jsonl").read_text().splitlines()
        modes = [json.loads(line)["mode"] for line in lines]
        assert {None, "FM-X01"} <= set(modes)
    after = json.loads((cycles / "02/registry.json").read_text())
    glue = next(mode for mode in after["modes"] if mode["id"] == "FM-X01")
    assert glue["occurrence"] > 5
    assert [change["id"] for change in after["history"]].count("FM-X01") >= 1
    rows = json.loads((cycles / "02/modes.json").read_text())["modes"]
    assert rows["FM-X01"]["n"] > rows["FM-X01"]["successes"]


def test_a_lesson_changes_the_next_cycle_and_is_retired(shell, result):
    cycles = shell.folder / "runs/trial/cycles"
    first, second = ((cycles / cycle / "lessons.md").read_text() for cycle in ("01", "02"))
    assert "applied: train.lr: 0.003 -> 0.0015" in first
    trained = [
        json.loads((cycles / cycle / "checkpoints/last/training.json").read_text())
        for cycle in ("01", "02")
    ]
    assert [facts["settings"]["lr"] for facts in trained] == [0.003, 0.0015]
    assert "quick_rate: retired: train.lr: 0.003 -> 0.0015; the figure went 3 -> 1.5" in second


def test_a_lesson_that_comes_twice_is_escalated(shell, result):
    lessons = shell.answer("lessons", "runs/trial")["lessons"]
    by_name = {lesson["name"]: lesson for lesson in lessons}
    assert by_name["quick_rate"]["state"] == "retired"
    judges = by_name["many_judges"]
    assert (judges["came"], judges["escalated"]) == ([1, 2], True)
    assert "must not move the bar" in judges["outcomes"][0]["why"]


def test_the_report_shows_the_modes(shell, result):
    page = (shell.folder / result["report"]).read_text()
    assert "Failure modes" in page
    assert "glue on the floor" in page
    assert "quick_rate" in page


def test_a_cycle_moves_the_widths_and_tells_it(shell, result):
    cycles = shell.folder / "runs/trial/cycles"
    first, second = (
        json.loads((cycles / cycle / "curriculum.json").read_text()) for cycle in ("01", "02")
    )
    (row,) = first["parameters"]
    assert (row["n"], row["width"]) == (0, 0.25)  # the expert's drives probe nothing
    (row,) = second["parameters"]
    assert row["name"] == "speed"
    assert 0 < row["n"] <= 3  # fewer where the cycle was closed early
    share = row["successes"] / row["n"]
    moved = 0.5 if share >= 0.8 else 0.0 if share <= 0.5 else 0.25
    assert row["width"] == (moved if row["n"] == 3 else 0.25)
    page = (shell.folder / result["report"]).read_text()
    assert f"{row['successes']} of {row['n']}" in page


def test_run_again_it_is_done_already(shell, result):
    shell.run("run", shell.folder / "trial.yaml")
    again = json.loads((shell.folder / "runs/trial/result.json").read_text())
    assert again["gate"] == result["gate"]


def test_a_mistake_in_the_modes_is_named(shell):
    path = shell.folder / "wrong.yaml"
    path.write_text(yaml.safe_dump({"modes": [{**MODES["modes"][0], "severity": 11}]}))
    done = shell.run("run", shell.campaign("other", scenarios={"modes": ["wrong.yaml"]}))
    assert done.returncode == 2
    assert "wrong.yaml" in done.stderr
    assert "severity" in done.stderr
    assert not (shell.folder / "runs/other").exists()
