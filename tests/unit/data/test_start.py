"""A drive may begin some way into another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.data.generate import DrivePlan, generate
from loopyard.data.start import Start, begin
from loopyard.executors.local import LocalExecutor
from loopyard.worlds.registry import make_world

REACH = Scenario(world="reach_world:ReachWorld", preset="")
STAND = np.zeros((4, 2), np.float32)


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "toy"))


@pytest.mark.gl
def test_a_replayed_start_is_the_moment_it_was_taken_from():
    world, other = (make_world("yard") for _ in range(2))
    scenario = world.scenario()  # type: ignore[attr-defined]
    world.reset(seed=5, options={"scenario": scenario})
    actions = np.random.default_rng(0).uniform(-1, 1, (30, 4)).astype(np.float32)
    expected = {}
    for action in actions:
        expected = world.step(action)[0]
    found, _ = begin(other, Start(scenario, 5, actions), 5)
    for key in ("observation.state", "observation.images.ego"):
        assert np.array_equal(found[key], expected[key])
    world.close()
    other.close()


def test_a_start_after_the_end_of_its_drive_is_refused():
    world = make_world("reach_world:ReachWorld")
    world.reset(seed=3)
    to_target = world.make_expert().act  # type: ignore[attr-defined]
    actions = []
    for _ in range(20):
        actions.append(to_target(world.truth()))
        if world.step(actions[-1])[2]:
            break
    with pytest.raises(WorldError, match="start in scene 3: actions"):
        begin(world, Start(REACH, 3, np.array(actions)), 3)
    begin(world, Start(REACH, 3, np.array(actions[:-1])), 3)


def test_slots_go_through_the_starts_and_round_again(tmp_path):
    starts = (Start(REACH, 7, STAND), Start(replace_max(REACH, 30)), Start(REACH))
    plan = DrivePlan(scenario=REACH, root=tmp_path / "data", seed=2, starts=starts)
    made = generate(plan, 5, LocalExecutor(0))
    entries = made.dataset.episodes
    assert [entry.seed == 7 for entry in entries] == [True, False, False, True, False]
    assert len({entry.seed for entry in entries}) == 4
    executed, index = (made.dataset.column(name) for name in ("executed_action", "episode_index"))
    length = min((index == 0).sum(), (index == 3).sum())
    assert not np.array_equal(executed[index == 0][:length], executed[index == 3][:length])
    again = generate(replace(plan, root=tmp_path / "again"), 5, LocalExecutor(2))
    assert again.dataset.digest == made.dataset.digest


def replace_max(scenario: Scenario, steps: int) -> Scenario:
    return scenario.model_copy(update={"params": {"max_steps": steps}})
