"""The registry: 32 modes with their priorities, a user's own beside them, and a memory."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

from loopyard.core.errors import ConfigError
from loopyard.scenarios.mode import FailureMode
from loopyard.scenarios.registry import Registry, built_in_registry, open_registry
from loopyard.scenarios.registry_file import read_registry, save_registry

MINE = """\
modes:
  - id: FM-U01
    function: F3.1 approach
    text: two pieces of furniture, and more bricks than usual
    severity: 5
    occurrence: 6
    difficulty: 3
    worlds:
      yard: { params: { bricks: 4 }, draw: { furniture: [2, 3] } }
"""


@pytest.fixture
def registry() -> Registry:
    return built_in_registry()


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    return path


def test_the_built_in_modes_are_32_and_all_can_be_staged_in_the_yard(registry):
    assert len(registry) == 32
    assert len(registry.of_world("yard")) == 32
    assert [mode.id for mode in registry.modes] == sorted(mode.id for mode in registry.modes)


@pytest.mark.parametrize(
    ("id", "sps", "tier"),
    [
        ("FM-A01", 7 * 6 / 2, 1),
        ("FM-C01", 20.0, 1),
        ("FM-C07", 5.0, 2),
        ("FM-E02", 4.8, 3),
        ("FM-E03", 1.5, 3),
    ],
)
def test_priority_and_tier(registry, id, sps, tier):
    assert (registry[id].sps, registry[id].tier) == (pytest.approx(sps), tier)
    assert registry[id] in registry.tiers("yard")[tier]


def test_the_scores_are_those_of_the_csv(registry):
    import loopyard.scenarios as package

    path = Path(package.__file__).parent / "failure_modes.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["id"] for row in rows] == [mode.id for mode in registry.modes]
    for row, mode in zip(rows, registry.modes, strict=True):
        scores = (mode.severity, mode.occurrence, mode.difficulty)
        assert scores == tuple(int(row[n]) for n in ("severity", "occurrence", "difficulty"))
        assert mode.behaviour


def test_an_unknown_id_names_the_nearest(registry):
    with pytest.raises(ConfigError, match="expected one of 32 ids; did you mean 'FM-A01'"):
        registry["FM-A001"]


def test_occurrence_moves_tier_and_is_remembered(registry):
    raised = registry.with_occurrence("FM-E02", 9.5, cycle=2, why="failed 14 of 20")
    assert (registry["FM-E02"].occurrence, registry["FM-E02"].tier) == (6, 3)
    assert (raised["FM-E02"].sps, raised["FM-E02"].tier) == (pytest.approx(7.6), 2)
    again = raised.with_occurrence("FM-E02", 2.0, cycle=3)
    told = [(change.cycle, change.id, change.before, change.after) for change in again.history]
    assert told == [(2, "FM-E02", 6.0, 9.5), (3, "FM-E02", 9.5, 2.0)]
    assert again.history[0].why == "failed 14 of 20"
    with pytest.raises(ConfigError, match=r"FM-E02: occurrence: found 10\.5"):
        registry.with_occurrence("FM-E02", 10.5)


def test_found_modes_are_numbered_and_noted(registry):
    mode = FailureMode(
        id=registry.new_id(), text="stuck at the box", severity=5, occurrence=4, difficulty=3
    )
    grown = registry.with_found(mode, cycle=1, why="6 drives")
    assert mode.id == "FM-N01"
    assert grown.new_id() == "FM-N02"
    assert (len(grown), len(registry)) == (33, 32)
    assert (grown.history[-1].id, grown.history[-1].before) == ("FM-N01", None)
    with pytest.raises(ConfigError, match="id: found 'FM-N01', expected an id that is not taken"):
        grown.with_modes([mode])


@pytest.mark.parametrize("name", ["registry.json", "registry.yaml"])
def test_what_is_saved_is_read_again_with_its_history(registry, mine, tmp_path, name):
    learnt = open_registry(modes=[mine]).with_occurrence("FM-U01", 8.0, cycle=1, why="lost")
    save_registry(learnt, tmp_path / name)
    assert read_registry(tmp_path / name) == learnt
    assert open_registry(start=tmp_path / name)["FM-U01"].occurrence == 8.0


def test_another_suffix_is_an_error(registry, tmp_path):
    with pytest.raises(ConfigError, match=r"suffix: found '\.txt'"):
        save_registry(registry, tmp_path / "registry.txt")


def test_a_users_mode_stands_beside_the_built_in_ones(mine):
    registry = open_registry(modes=[mine])
    assert len(registry) == 33
    assert registry["FM-U01"].worlds["yard"].draw == {"furniture": (2, 3)}
    assert registry["FM-U01"].tier == 2


def test_a_user_may_bring_modes_of_a_world_of_their_own(tmp_path):
    path = tmp_path / "arm.yaml"
    path.write_text(MINE.replace("yard:", "'arm_world:ArmWorld':").replace("bricks", "grip"))
    registry = open_registry(modes=[path])
    assert [mode.id for mode in registry.of_world("arm_world:ArmWorld")] == ["FM-U01"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("modes:", "modes: [", "does not parse: while parsing"),
        (MINE, "- a\n- b\n", "content: found 'list', expected a mapping"),
        ("FM-U01", "FM-A01", "id: found 'FM-A01', expected an id that is not taken"),
        ("FM-U01", "U1", 'U1: id: found "U1", String should match'),
        ("severity: 5", "severity: 11", "FM-U01: severity: found 11, Input should be less"),
        ("occurrence: 6", "occurrence: often", 'FM-U01: occurrence: found "often"'),
        ("severity: 5\n", "severety: 5\n", "FM-U01: severety: found 5, expected one of id"),
        ("text:", "texts:", "FM-U01: texts: found"),
        ("    difficulty: 3\n", "", "FM-U01: difficulty: found nothing, expected a value"),
        ("difficulty: 3\n", "difficulty: 3\n    hue: 1\n", "hue: found 1, expected one of id, fun"),
        ("[2, 3]", "[3, 2]", "FM-U01: worlds.yard: draw.furniture: found [3, 2], expected [low"),
        ("[2, 3]", "[2, 99]", "FM-U01: worlds.yard.draw.furniture: found 99, Input should be"),
        ("[2, 3]", "[2]", "FM-U01: worlds.yard.draw.furniture.1: found nothing"),
        ("furniture:", "bricks:", "bricks: found in two of params, draw, choose and vary"),
        ("furniture:", "chairs:", "worlds.yard.draw: parameter: found 'chairs', expected a param"),
        ("yard:", "moon:", "worlds.moon: world: found 'moon', expected one of ['cor"),
    ],
)
def test_a_users_mistake_is_named(mine, before, after, said):
    mine.write_text(MINE.replace(before, after))
    with pytest.raises(ConfigError) as error:
        open_registry(modes=[mine])
    assert said in str(error.value)
    assert "mine.yaml" in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: file: found 'No such file"):
        open_registry(modes=[tmp_path / "none.yaml"])


def test_the_users_file_has_a_json_schema():
    schema = Registry.model_json_schema()
    assert set(schema["properties"]) == {"modes", "general", "history"}
    assert (
        yaml.safe_load(MINE)["modes"][0].keys()
        <= schema["$defs"]["FailureMode"]["properties"].keys()
    )
