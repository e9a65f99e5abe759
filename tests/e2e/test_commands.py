"""The commands one after another, each on what the one before left: on the yard itself."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.data.dataset import open_dataset

pytestmark = [pytest.mark.e2e, pytest.mark.gl]


def test_from_the_expert_to_a_judged_policy_and_back_through_the_raw_form(shell):
    made = shell.answer(
        *("generate", "--world", "yard", "--preset", "starter", "--episodes", "4", "--seed", "0"),
        *("--out", "data", "--workers", "2", "--noise", "dart"),
    )
    assert made["episodes"] == 4

    report = shell.answer("audit", "data")
    assert report["verdict"] in ("pass", "warn")
    assert report["facts"]["frames"] == made["frames"]
    assert {check["name"] for check in report["checks"] if check["verdict"] == "warn"} >= {
        "episodes"
    }

    trained = shell.answer(
        *("train", "--dataset", "data", "--policy", "act-nano", "--steps", "6", "--out", "policy"),
        *("--set", "batch_size", "16"),
    )
    assert trained["steps"] == 6
    further = shell.answer(
        *("train", "--dataset", "data", "--policy", "act-nano", "--steps", "9", "--out", "policy"),
        *("--set", "batch_size", "16", "--resume"),
    )
    assert further["steps"] == 9

    judged = shell.answer(
        *("evaluate", "--policy", "policy/last", "--world", "yard", "--preset", "starter"),
        *("--params", "time_limit_s", "3", "--n", "8", "--suite", "gate", "--out", "judged"),
        *("--videos", "1"),
        code=1,
    )
    assert judged["verdict"] == "reject"
    assert judged["n"] == 8
    assert judged["seeds"] == [900_000, 900_007]
    assert (shell.folder / "judged" / judged["videos"][0]).stat().st_size > 1000

    exported = shell.answer("export", "raw", "data", "raw")
    assert exported["episodes"] == 4
    assert sorted(path.name for path in (shell.folder / "raw/episode_000000").iterdir()) == [
        *("actions.jsonl", "ego.mp4", "metadata.json"),
    ]
    imported = shell.answer("import", "raw", "raw", "again")
    assert imported["frames"] == made["frames"]
    before, after = open_dataset(shell.folder / "data"), open_dataset(shell.folder / "again")
    for name in ("action", "executed_action", "observation.state", "timestamp", "episode_index"):
        assert np.array_equal(before.column(name), after.column(name)), name
    assert np.array_equal(before.decode("ego", 1), after.decode("ego", 1))
    assert shell.answer("audit", "again")["verdict"] == report["verdict"]


def test_a_dataset_that_fails_its_audit_ends_with_1_and_is_not_trained_on(shell):
    shell.answer(
        *("generate", "--world", "reach_world:ReachWorld", "--preset", "", "--episodes", "3"),
        *("--out", "data", "--workers", "1"),
    )
    video = next((shell.folder / "data/videos").rglob("*.mp4"))
    video.write_bytes(video.read_bytes()[:-200])
    assert shell.answer("audit", "data", code=1)["verdict"] == "fail"
    done = shell.run("train", "--dataset", "data", "--steps", "2", "--out", "policy")
    assert done.returncode == 2
    assert done.stderr.startswith("error: data: audit: found 'fail' (video damaged: found 1 file")
    assert not (shell.folder / "policy/last").exists()
