"""A folder of rollouts: every failure diagnosed and counted, with pictures and clips."""

from __future__ import annotations

import json

import pytest

from loopyard.core.errors import ConfigError
from loopyard.data.video import decode_video
from loopyard.evaluation.diagnosis.diagnosis import Diagnosis, Evidence, Finding
from loopyard.evaluation.diagnosis.evidence import (
    clip_span,
    draw_picture,
    film_clips,
    one_of_each_kind,
)
from loopyard.evaluation.diagnosis.suite import (
    diagnose_suite,
    rollout_folders,
    suites_of,
    write_diagnosis,
)
from loopyard.evaluation.evaluate import evaluate
from loopyard.executors.local import LocalExecutor

SEEDS = range(900_000, 900_010)


@pytest.fixture
def folder(tmp_path, importable_worlds):
    evaluate("zero", "signal_world:SignalWorld", seeds=SEEDS, out=tmp_path, workers=0)
    return tmp_path


def test_every_failure_is_diagnosed_counted_and_written(folder):
    found = diagnose_suite(folder, "gate")
    assert (found.n, found.without_trace) == (10, 0)
    assert found.failed == len(found.rollouts) > 5
    row = found.counts()["patterns"]["ACTION_COLLAPSE"]
    assert (row["count"], row["n"]) == (found.failed, 10)
    low, high = row["wilson_95"]
    assert low < row["share"] <= high
    written = json.loads(write_diagnosis(folder, [found]).read_text())["suites"]["gate"]
    assert len(written["failures"]) == found.failed
    first = written["failures"][0]
    assert first["class"]["name"] == "F1"
    assert first["class"]["to_s"] > first["class"]["from_s"]
    assert first["seed"] in SEEDS
    assert sum(row["count"] for row in written["classes"].values()) == found.failed
    assert written["clusters"][0]["n"] == len(written["clusters"][0]["rollouts"])


def test_metrics_reach_the_summary(folder):
    summary = json.loads((folder / "gate.json").read_text())
    assert summary["metrics"]["idle_share"] == {"mean": 1.0, "n": 10}
    assert summary["metrics"]["boundary_contacts"] == {"mean": None, "n": 0}


def test_pictures_and_clips_are_where_they_are_said_to_be(folder):
    found = diagnose_suite(
        folder, "gate", on_rollout=lambda one, trace: draw_picture(folder, "gate", one, trace)
    )
    for rollout in found.rollouts:
        assert rollout.picture is not None
        assert (folder / rollout.picture).read_bytes().startswith(b"\x89PNG")
    filmed = film_clips(folder, found, 1, LocalExecutor(0))
    clips = [rollout.clip for rollout in filmed.rollouts if rollout.clip]
    assert len(clips) == 1
    # The drive took 4 s and the clip holds its last picture for 1.5 s.
    assert len(list(decode_video(folder / clips[0]))) == 40 + 15


def test_without_traces_there_is_no_diagnosis_and_it_is_said(tmp_path, importable_worlds):
    evaluate("zero", "signal_world:SignalWorld", seeds=SEEDS, out=tmp_path, workers=0, traces=False)
    found = diagnose_suite(tmp_path, "gate")
    assert found.rollouts == ()
    assert found.without_trace == found.failed > 0


def test_where_rollouts_are(folder, tmp_path):
    assert rollout_folders(folder) == [folder]
    assert suites_of(folder) == ["gate"]
    run = tmp_path / "run"
    cycle = run / "cycles" / "01" / "rollouts"
    cycle.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"run: folder: found 'no rollouts'"):
        rollout_folders(run)
    (cycle / "gate.jsonl").write_text("")
    (cycle / "gate.json").write_text("{}")
    assert rollout_folders(run) == [cycle]


def finding(name: str, begin: float, end: float) -> Finding:
    return Finding(name, Evidence(begin, end, "x_m", 1.0, 1.0, ""))


@pytest.mark.parametrize(
    ("begin", "end", "span"), [(5.0, 7.0, (3.0, 9.0)), (0.5, 30.0, (0.0, 12.5))]
)
def test_a_clip_shows_the_span_and_a_little_more(begin, end, span):
    assert clip_span(Diagnosis(finding("F3", begin, end), (), begin)) == span


def test_a_clip_without_a_class_shows_the_first_pattern():
    found = Diagnosis(None, (finding("UNSAFE", 4.0, 5.0),), 4.0)
    assert clip_span(found) == (2.0, 7.0)
    assert clip_span(Diagnosis(None, (), 0.0)) == (0.0, 12.0)


def test_one_of_each_kind_comes_first(folder):
    rollouts = diagnose_suite(folder, "gate").rollouts
    assert sorted(one.record.seed for one in one_of_each_kind(rollouts)) == sorted(
        one.record.seed for one in rollouts
    )
