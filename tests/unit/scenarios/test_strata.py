"""Every stratum of a world is a scenario that a suite can drive."""

from __future__ import annotations

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import SEED_RANGES
from loopyard.scenarios.registry import built_in_registry
from loopyard.scenarios.strata import strata_of_world, stratum_scenarios
from loopyard.scenarios.suites import suite_scenes
from loopyard.worlds.corridor.params import corridor_params
from loopyard.worlds.corridor.scene import draw_scene, scene_digest

BASE = Scenario(world="corridor", params={"half_width_m": 1.8})


def test_each_stratum_of_the_corridor_gives_scenes_of_its_name():
    found = stratum_scenarios(BASE)
    assert len(found) == 2 * 2 * 2 * 2 * 3 * 2
    assert "1box_vert_left_core_close_evening" in found
    for name, scenario in found.items():
        params = corridor_params(scenario.preset, scenario.params)
        assert draw_scene(params, scene_digest(scenario), 900_000).stratum == name
        assert params.half_width_m == 1.8


def test_a_suite_drives_one_stratum_or_all_of_them():
    one = suite_scenes("2box_hori_right_variant_far", 3, BASE, built_in_registry())
    assert [scene.seed for scene in one] == list(SEED_RANGES["gate"][:3])
    assert {scene.scenario.params["side"] for scene in one} == {"right"}
    every = suite_scenes("all-strata", 2, BASE, built_in_registry(), "select")
    assert len(every) == 2 * 96
    assert len({scene.scenario.digest for scene in every}) == 96
    assert {scene.seed for scene in every} == set(SEED_RANGES["select"][:2])


def test_what_is_no_stratum_is_named_with_the_nearest_there_is():
    with pytest.raises(ConfigError, match="did you mean 1box_vert_left_core_close"):
        suite_scenes("1box_vert_left_core_closer", 3, BASE, built_in_registry())
    with pytest.raises(ConfigError, match="all-strata"):
        suite_scenes("all-strata", 3, Scenario(world="yard"), built_in_registry())


def test_a_world_of_ones_own_tells_its_strata(monkeypatch, tmp_path):
    (tmp_path / "striped_world.py").write_text(
        "class Striped:\n    strata = {'wide': {'width_m': 2.0}}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert strata_of_world("striped_world:Striped") == {"wide": {"width_m": 2.0}}
    assert strata_of_world("yard") == {}
