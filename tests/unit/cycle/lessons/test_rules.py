"""Each rule: when it makes a lesson, what that asks for, and when it has nothing to say."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from loopyard.core.errors import ConfigError, DatasetError
from loopyard.cycle.lessons.changes import MAY_CHANGE
from loopyard.cycle.lessons.facts import CycleFacts, read_facts
from loopyard.cycle.lessons.lesson import Lesson
from loopyard.cycle.lessons.of_rollouts import REMEDIES
from loopyard.cycle.lessons.of_training import SCENES_FOR
from loopyard.cycle.lessons.rules import BUILT_IN, found_by_rules, open_rules
from loopyard.evaluation.diagnosis.diagnosis import PATTERNS
from loopyard.scenarios.registry import built_in_registry


@pytest.fixture
def lessons_of(cycles, campaign):
    """The lessons of a cycle that was written so, by name."""

    def make(cycle: int = 1, **told: Any) -> dict[str, Lesson]:
        cycles.write(cycle, **told)
        facts = read_facts(cycles.run, cycle, campaign.plain())
        return {lesson.name: lesson for lesson in found_by_rules(BUILT_IN, facts) if lesson.bad}

    return make


def asked(lesson: Lesson) -> list[str]:
    return [change.text for change in lesson.changes]


@pytest.mark.parametrize("cycle", [1, 2])
def test_a_cycle_that_is_fine_teaches_nothing(lessons_of, cycle):
    assert lessons_of(cycle) == {}


def test_a_channel_with_ten_times_the_loss_is_weighed_and_its_scenes_are_asked_for(lessons_of):
    found = lessons_of(losses={"steering": 0.9})
    weigh, scenes = (
        found["lagging_channel: steering"],
        found["scenes_for_lagging_channel: steering"],
    )
    assert asked(weigh) == ["train.channel_weights.steering x 2.0"]
    assert asked(scenes) == ["scenarios.weights.avoid x 2.0"]
    assert (weigh.role, scenes.role) == ("Training", "DomainExpert")
    assert weigh.figure.value == pytest.approx(0.9 / 0.074)
    assert "loss 0.9, the others 0.074" in weigh.cause
    assert lessons_of(losses={"steering": 0.7}) == {}


def test_a_bucket_that_is_zero_in_85_percent_asks_for_more_scooping(lessons_of):
    found = lessons_of(zero={"bucket": 85.2})
    assert asked(found["idle_channel: bucket"]) == ["scenarios.weights.scoop x 2.0"]
    assert "85 %" in found["idle_channel: bucket"].problem.replace("85%", "85 %")
    assert lessons_of(zero={"bucket": 77.9}) == {}


def test_a_channel_that_no_scenes_are_known_for_changes_nothing(lessons_of):
    assert asked(lessons_of(zero={"gripper": 92.0})["idle_channel: gripper"]) == []


def test_out_of_memory_halves_the_batch_and_doubles_the_accumulation(lessons_of):
    found = lessons_of(progress={"pieces": 2})["out_of_memory"]
    assert asked(found) == ["train.batch_size x 0.5", "train.accumulate x 2"]
    assert found.category == "technical"
    four = lessons_of(progress={"pieces": 4})["out_of_memory"]
    assert asked(four) == ["train.batch_size x 0.25", "train.accumulate x 4"]


def test_rollouts_that_fail_where_offline_is_fine_ask_for_dagger(lessons_of):
    found = lessons_of(2, successes=3)["fails_where_offline_is_fine"]
    assert asked(found) == ["cycles.rollouts x 1.5", "dagger.share + 0.1", "cycles.epochs x 0.7"]
    assert found.problem.startswith("3 of 20 (15%, Wilson 95 %")
    assert lessons_of(2, successes=3, val=(0.25, 0.118)) == {}, "validation still falls"
    assert lessons_of(2, successes=8) == {}, "8 of 20 may be a half"
    assert lessons_of(1, successes=0) == {}, "a cloned policy has had no labelled rollouts yet"


def test_an_overfit_policy_asks_for_more_data(lessons_of):
    found = lessons_of(2, val=(0.2, 0.25))["overfit"]
    assert found.figure.value == pytest.approx(0.25 / 0.0975)
    assert asked(found) == ["cycles.rollouts x 1.5", "train.augmentation.state_noise x 2.0"]


def test_bad_numbers_lower_the_rate(lessons_of):
    found = lessons_of(progress={"skipped": [4, 5], "rollbacks": 1})["bad_numbers"]
    assert found.figure.value == 3
    assert asked(found) == ["train.lr x 0.5"]


def test_an_expert_that_fails_is_for_its_developer(lessons_of):
    found = lessons_of(made={"failed": 56})["failing_expert"]
    assert "56 of 206" in found.cause
    assert found.role == "Developer"
    assert lessons_of(2, made={"failed": 36}) == {}, "a policy's failures are not the expert's"


@pytest.mark.parametrize(
    ("cycle", "made", "name", "change"),
    [
        (1, {"demonstrated": 90, "expert_s": 486.0}, "expert drives", "cycles.episodes x 0.6"),
        (2, {"rollouts": 10}, "labelled rollouts", "cycles.rollouts x 0.5"),
    ],
)
def test_too_few_drives_in_their_time_are_planned_less(lessons_of, cycle, made, name, change):
    found = lessons_of(cycle, made=made)[f"short_of_drives: {name}"]
    assert asked(found) == [change]
    assert found.role == "Watcher"
    if cycle == 1:
        assert "5.40 s each, 1.95 s before" in found.cause


def test_a_policy_that_got_worse_rehearses_more(lessons_of):
    lessons_of(1, successes=19)
    assert asked(lessons_of(2, successes=9)["worse_than_before"]) == [
        "dagger.share + -0.1",
        "train.lr x 0.5",
    ]
    assert lessons_of(2, successes=15) == {}, "15 after 19 may be chance"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_frequent_pattern_has_a_remedy(pattern):
    facts = CycleFacts(2, {}, patterns={pattern: 12}, diagnosed=60)
    (found,) = found_by_rules(BUILT_IN, facts)
    assert found.name == f"frequent_pattern: {pattern}"
    assert found.bad
    assert found.changes == REMEDIES[pattern][3]
    (rare,) = found_by_rules(BUILT_IN, CycleFacts(2, {}, patterns={pattern: 9}, diagnosed=60))
    assert not rare.bad
    assert not found_by_rules(BUILT_IN, CycleFacts(1, {}, patterns={pattern: 60}, diagnosed=60))


def test_every_scene_that_is_asked_for_exists_and_every_setting_may_change():
    modes = built_in_registry().modes
    asked_for = [change.setting for remedy in REMEDIES.values() for change in remedy[3]]
    asked_for += [f"scenarios.weights.{word}" for word in SCENES_FOR.values()]
    for setting in asked_for:
        assert any(fnmatchcase(setting, pattern) for pattern in MAY_CHANGE), setting
        word = setting.removeprefix("scenarios.weights.")
        if word != setting:
            assert any(word == mode.id or word in mode.function for mode in modes), word


def test_nothing_but_settings_is_no_error(tmp_path):
    assert found_by_rules(BUILT_IN, read_facts(tmp_path, 1, {"train": {}})) == []


def test_a_damaged_file_is_named(cycles):
    cycles.write(1)
    (cycles.run / "cycles/01/audit.json").write_text("{")
    with pytest.raises(DatasetError, match=r"01/audit.json: not readable"):
        read_facts(cycles.run, 1, {})


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("few_collisions", "expected 'package.module:function'"),
        ("no_such_module_anywhere:rule", "cannot import 'no_such_module_anywhere'"),
        ("loopyard.cycle.lessons.rules:no_rule", "has no function 'no_rule'"),
    ],
)
def test_a_rule_that_cannot_be_loaded_is_named(path, message):
    with pytest.raises(ConfigError, match=message):
        open_rules([path])


def test_a_rule_that_fails_is_a_lesson_for_its_writer():
    def broken(facts: CycleFacts):
        yield from ()
        raise KeyError("no such channel")

    (found,) = found_by_rules([broken], CycleFacts(1, {}))
    assert found.name == "broken: the rule itself"
    assert found.bad
    assert "KeyError" in found.cause
