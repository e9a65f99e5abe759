"""Films: the right size and length, in a browser's format, and of the right drives."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.data.video import decode_video
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.film import CAPTION_PX, VIEW_PX, choose
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
