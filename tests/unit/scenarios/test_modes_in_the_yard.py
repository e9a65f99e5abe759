"""Every built-in mode is one that the yard can be made and reset with."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from loopyard.core.scenario import Scenario
from loopyard.scenarios.registry import built_in_registry, open_registry
from loopyard.scenarios.suites import suite_scenes
from loopyard.scenarios.world_params import check_value
from loopyard.worlds.registry import make_world

MID = Scenario(world="yard", preset="mid")
MODES = {mode.id: mode for mode in built_in_registry().modes}


@pytest.mark.parametrize("id", MODES)
def test_all_that_a_mode_may_draw_is_within_the_yards_limits(id):
    recipe = MODES[id].worlds["yard"]
    for name, value in recipe.params.items():
        check_value(id, "yard", name, value)
    for name, ends in recipe.draw.items():
        for value in ends:
            check_value(id, "yard", name, value)


@pytest.mark.parametrize("id", MODES)
def test_the_yard_can_be_made_for_a_mode(id):
    scene = suite_scenes(id, 1, MID, built_in_registry())[0]
    changed = {name: value for name, value in scene.scenario.params.items() if value is not None}
    world: Any = make_world("yard", preset="mid", **changed)
    try:
        assert {name: getattr(world.params, name) for name in changed} == changed
    finally:
        world.close()


def test_the_documentations_own_mode_can_be_staged(tmp_path):
    page = (Path(__file__).parents[3] / "docs/scenarios.md").read_text()
    lines = page[page.index("    modes:\n") :].splitlines()
    block = "\n".join(takewhile(lambda line: not line or line.startswith("    "), lines))
    path = tmp_path / "mine.yaml"
    path.write_text(dedent(block.partition("\n\n")[0]))
    scenes = suite_scenes("FM-U01", 10, MID, open_registry(modes=[path]))
    assert {scene.scenario.params["layout"] for scene in scenes} <= {"gap", "trap"}
    assert {scene.scenario.params["bricks"] for scene in scenes} == {6}
