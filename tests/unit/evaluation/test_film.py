"""Films: the right size and length, in a browser's format, and of the right drives."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.data.video import decode_video
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.film import (
    CAPTION_PX,
    MOST_PICTURES,
    VIEW_PX,
    FilmJob,
    Pace,
    choose,
    film,
    pace_of,
)
from loopyard.evaluation.record import RolloutRecord, read_records

WORLD = "glue_world:GlueWorld"


def record(seed, reason):
    return RolloutRecord(
        seed, Scenario(world=WORLD), Outcome(reason == "success", 0.0, 1, 0.1, reason)
    )


RECORDS = [
    record(1, "success"),
    record(2, "stuck"),
    record(3, "stuck"),
    record(4, "timeout"),
    record(5, "success"),
    record(6, "success"),
]


@pytest.mark.parametrize(
    ("count", "seeds"),
    [
        (2, [2, 1]),
        (4, [2, 4, 1, 5]),
        (5, [2, 4, 1, 5, 6]),
        (6, [2, 4, 3, 1, 5, 6]),
        (9, [2, 4, 3, 1, 5, 6]),
        (0, []),
    ],
)
def test_choice_is_balanced_and_shows_each_kind_of_failure(count, seeds):
    assert [chosen.seed for chosen in choose(RECORDS, count)] == seeds


def test_choice_without_failures_is_all_successes():
    assert [chosen.seed for chosen in choose([RECORDS[0], RECORDS[4]], 4)] == [1, 5]


@pytest.mark.parametrize(
    ("seconds", "fps", "pace"),
    [
        (25, 10, Pace(1, 10, 1.0)),
        (30, 10, Pace(1, 10, 1.0)),
        (60, 10, Pace(2, 10, 2.0)),
        (120, 10, Pace(4, 10, 4.0)),
        (10, 30, Pace(1, 30, 1.0)),
        (20, 30, Pace(2, 15, 1.0)),
        (30, 30, Pace(3, 10, 1.0)),
        (120, 30, Pace(12, 10, 4.0)),
        (0, 10, Pace(1, 10, 1.0)),
    ],
)
def test_a_longer_drive_has_fewer_pictures_a_second_and_is_then_shown_faster(seconds, fps, pace):
    found = pace_of(seconds * fps, fps)
    assert found == pace
    assert seconds * fps / found.every <= MOST_PICTURES


class Drawn:
    """A world of its own rules that draws on demand; it succeeds after ``needed`` ticks."""

    metadata = {"render_fps": 10}  # noqa: RUF012
    max_steps = 5000

    def __init__(self, needed: int) -> None:
        self.needed, self.ticks, self.seen, self.drawn, self.even = needed, 0, 0, 0, False
        image = gymnasium.spaces.Box(0, 255, (8, 8, 3), np.uint8)
        state = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.observation_space = gymnasium.spaces.Dict(
            {"observation.images.ego": image, "observation.state": state}
        )
        self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed, options):
        self.ticks = 0
        return {}, {}

    def step_blind(self, action) -> bool:
        self.ticks += 1
        return self.ticks >= self.needed

    def step(self, action):
        self.seen += 1
        done = self.step_blind(action)
        return {}, 0.0, done, False, {"success": done}

    def camera_image(self, name, width, height, *, even=False):
        self.drawn += 1
        self.even = even
        return np.full((height, width, 3), min(255, self.ticks // 8), np.uint8)


@pytest.mark.parametrize(("needed", "faithful"), [(1200, True), (1199, False), (1201, False)])
def test_of_a_long_drive_only_what_is_shown_is_drawn(tmp_path, needed, faithful):
    world: Any = Drawn(needed)
    outcome = Outcome(True, 1.0, 1200, 120.0, "success")
    driven = RolloutRecord(7, Scenario(world=WORLD), outcome)
    made = film(world, FilmJob(driven, np.zeros((1200, 1), np.float32), tmp_path / "a.mp4"))
    assert made.faithful == faithful
    assert (world.drawn, world.seen, world.even) == (2 * 301, 1, True)
    shades = [int(frame[10, 10, 0]) for frame in decode_video(made.path)]
    assert len(shades) == 300 + 15
    assert abs(shades[150] - 75) <= 3  # half way: the 600th tick
    assert abs(shades[-1] - 150) <= 3


def test_a_clip_is_judged_by_the_whole_drive(tmp_path):
    world: Any = Drawn(100)
    driven = RolloutRecord(7, Scenario(world=WORLD), Outcome(True, 1.0, 100, 10.0, "success"))
    job = FilmJob(driven, np.zeros((100, 1), np.float32), tmp_path / "a.mp4", span_s=(2.0, 4.0))
    assert film(world, job).faithful
    shades = [int(frame[10, 10, 0]) for frame in decode_video(tmp_path / "a.mp4")]
    assert len(shades) == 20 + 15
    assert not world.even
    assert world.ticks == 100


def test_films_are_made_noted_and_not_made_twice(tmp_path, importable_worlds):
    from glue_world import Homing

    def once():
        return evaluate(Named(), WORLD, seeds=range(900_000, 900_010), out=tmp_path, videos=4)

    class Named(Homing):
        digest = "0123456789abcdef"

    result = once()
    names = result.summary()["videos"]
    assert len(names) == 4
    assert sum("-success-" in name for name in names) == 2
    kept = [r.video for r in read_records(tmp_path / "gate.jsonl") if r.video]
    assert sorted(kept) == sorted(names)
    filmed = next(r for r in result.records if r.video and r.outcome.success)
    assert filmed.video is not None
    frames = list(decode_video(tmp_path / filmed.video))
    assert len(frames) == filmed.outcome.steps + 15
    assert frames[0].shape == (VIEW_PX + CAPTION_PX, 2 * VIEW_PX, 3)
    # The caption says how it ended, so the last strip is not the first one.
    assert np.abs(frames[-1][VIEW_PX:].astype(int) - frames[0][VIEW_PX:]).max() > 50

    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "videos").iterdir()}
    assert once().summary()["videos"] == names
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_drive_the_world_does_not_repeat_is_not_shown(tmp_path, importable_worlds, monkeypatch):
    import glue_world

    class Named(glue_world.Homing):
        digest = "fedcba9876543210"

    evaluate(Named(), WORLD, seeds=[900_001, 900_002], out=tmp_path)
    monkeypatch.setattr(glue_world, "SPEED", 0.01)
    result = evaluate(Named(), WORLD, seeds=[900_001, 900_002], out=tmp_path, videos=2)
    assert result.summary()["videos"] == []
    assert list((tmp_path / "videos").iterdir()) == []
