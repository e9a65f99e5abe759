"""Suites never overlap, and never give a scene they do not have."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, groupby, pairwise

import pytest

from loopyard.core.errors import ConfigError, WorldError
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import SEED_RANGES, split_of
from loopyard.scenarios import suites
from loopyard.scenarios.mode import FailureMode, Recipe
from loopyard.scenarios.registry import Registry, built_in_registry
from loopyard.scenarios.sampling import TRIES
from loopyard.scenarios.suites import mode_seeds, suite_scenes, suite_seeds

MID = Scenario(world="yard", preset="mid")
SPLITS = tuple(SEED_RANGES)


@pytest.fixture(autouse=True)
def every_scene_has_room(monkeypatch):
    """Drawing the scenes is what takes time, and is test_modes_in_the_yard.py's business."""
    monkeypatch.setattr(suites, "require_possible", lambda scenario, seed: None)


def test_a_suite_gives_its_own_scenes_in_order():
    assert suite_seeds("gate", 3) == range(900_000, 900_003)
    assert suite_seeds("gate", 3, first=10) == range(900_010, 900_013)


@pytest.mark.parametrize("suite", ["train", "select", "gate"])
def test_every_scene_of_a_suite_belongs_to_it_alone(suite):
    whole = suite_seeds(suite, len(SEED_RANGES[suite]))
    assert split_of(whole[0]) == split_of(whole[-1]) == suite
    others = [seeds for name, seeds in SEED_RANGES.items() if name != suite]
    assert all(whole[-1] < seeds[0] or seeds[-1] < whole[0] for seeds in others)


@pytest.mark.parametrize(("n", "first"), [(0, 0), (-1, 0), (1, -1), (1, 100_000), (100_001, 0)])
def test_scenes_that_a_suite_does_not_have_are_an_error(n, first):
    with pytest.raises(ConfigError, match="suite gate"):
        suite_seeds("gate", n, first)


def seeds_of(scenes) -> set[int]:
    return {scene.seed for scene in scenes}


def test_all_modes_has_n_scenes_of_each_with_seeds_of_its_own():
    scenes = suite_scenes("all-modes", 20, MID, built_in_registry())
    counts = Counter(scene.scenario.mode for scene in scenes)
    assert counts == {mode.id: 20 for mode in built_in_registry().modes}
    assert len(seeds_of(scenes)) == len(scenes)
    assert {split_of(scene.seed) for scene in scenes} == {"gate"}
    for id in counts:
        digests = [s.scenario.digest for s in scenes if s.scenario.mode == id]
        assert len(set(digests)) <= 5
        assert len([k for k, _ in groupby(digests)]) == len(set(digests))  # side by side


@pytest.mark.parametrize("id", ["FM-A05", "FM-C01"])
def test_splits_share_no_seed_and_a_mode_alone_is_as_among_all(id):
    registry = built_in_registry()
    alone = {split: suite_scenes(id, 20, MID, registry, split) for split in SPLITS}
    for one, other in combinations(alone.values(), 2):
        assert not seeds_of(one) & seeds_of(other)
    together = suite_scenes("all-modes", 20, MID, registry)
    assert [s for s in together if s.scenario.mode == id] == alone["gate"]
    drawn = {s.scenario.digest for s in alone["gate"]} & {s.scenario.digest for s in alone["train"]}
    assert len(drawn) == (0 if registry[id].worlds["yard"].draw else 1)


def test_a_mode_more_leaves_the_others_scenes_alone():
    registry = built_in_registry()
    recipe = Recipe(params={"bricks": 5})
    found = FailureMode(
        id="FM-A08", text="x", severity=1, occurrence=1, difficulty=1, worlds={"yard": recipe}
    )
    before = suite_scenes("all-modes", 5, MID, registry)
    after = suite_scenes("all-modes", 5, MID, registry.with_modes([found]))
    assert [s for s in after if s.scenario.mode != "FM-A08"] == before


def test_general_scenes_are_the_base_itself():
    scenes = suite_scenes("general", 4, MID, built_in_registry(), "select")
    assert scenes == [(MID, seed) for seed in range(800_000, 800_004)]


def test_the_predecessors_ten_are_always_the_same():
    scenes = suite_scenes("fixed10", 3, MID, built_in_registry())
    assert scenes == suite_scenes("fixed10", 50, MID, Registry())
    assert [scene.scenario.params["bricks"] for scene in scenes[:5]] == [10, 15, 20, 25, 30]
    assert seeds_of(scenes) == set(range(999_990, 1_000_000))
    starter = Scenario(world="yard")
    assert len(suite_scenes("fixed10", 1, starter, Registry())) == 10


@pytest.mark.parametrize("letter", ["A", "M", "Z"])
@pytest.mark.parametrize("split", SPLITS)
def test_the_stretches_of_modes_lie_in_their_split_and_apart(letter, split):
    stretches = [mode_seeds(f"FM-{letter}{number:02d}", split) for number in range(1, 31)]
    assert all(len(stretch) >= 100 for stretch in stretches)
    assert all(one[-1] < other[0] for one, other in pairwise(stretches))
    assert {split_of(stretch[0]) for stretch in stretches} == {split}
    assert split_of(stretches[-1][-1]) == split


@pytest.mark.parametrize(
    ("name", "n", "said"),
    [
        ("FM-A1", 5, "suite: name: found 'FM-A1', .* did you mean FM-A01"),
        ("FM-A01", 0, "suite FM-A01: n: found 0, expected 1 to 100 scenes a mode"),
        ("FM-A01", 101, "n: found 101"),
        ("FM-U01", 5, r"suite FM-U01: mode: found \['other:World'\]"),
    ],
)
def test_a_suite_that_is_not_there_is_named(name, n, said):
    other = FailureMode(
        id="FM-U01",
        text="x",
        severity=1,
        occurrence=1,
        difficulty=1,
        worlds={"other:World": Recipe()},
    )
    with pytest.raises(ConfigError, match=said):
        suite_scenes(name, n, MID, built_in_registry().with_modes([other]))


def test_all_modes_of_a_world_that_has_none():
    with pytest.raises(ConfigError, match="suite all-modes: modes: found 0"):
        suite_scenes("all-modes", 5, Scenario(world="own:World"), built_in_registry())


def test_scenes_without_room_are_passed_over_and_none_at_all_is_an_error(monkeypatch):
    tried = []

    def crowded(scenario, seed):
        tried.append(seed)
        if seed % 2 or scenario.params["light"] == "dim":
            raise WorldError("yard: brick 3: found no free place")

    monkeypatch.setattr(suites, "require_possible", crowded)
    scenes = suite_scenes("FM-A02", 20, MID, built_in_registry())
    assert len(scenes) == 20
    assert all(scene.seed % 2 == 0 for scene in scenes)
    with pytest.raises(WorldError, match="suite FM-A03: 0 of 4 scenes possible: yard: brick 3"):
        suite_scenes("FM-A03", 4, MID, built_in_registry())
    tried.clear()
    with pytest.raises(WorldError, match="suite FM-A03"):
        suite_scenes("FM-A03", 4, MID, built_in_registry(), "train")
    assert len(tried) == TRIES  # of 800 seeds: nobody waits for an impossible scene
