"""Checkpoints on a dataset: the one path, what was held out, whose rollouts, what is written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from loopyard.core.errors import CheckpointError, DatasetError
from loopyard.core.outcome import Outcome
from loopyard.core.scenario import Scenario
from loopyard.data.dataset import open_dataset
from loopyard.data.samples import Samples
from loopyard.evaluation.identity import policy_digest
from loopyard.evaluation.offline.closed_loop import found_rollouts, on_shared_scenes
from loopyard.evaluation.offline.evaluate import evaluate_offline
from loopyard.evaluation.offline.figures import short_names
from loopyard.evaluation.offline.predictions import predict_episodes
from loopyard.evaluation.record import RolloutRecord, to_jsonl
from loopyard.policies.baselines import ZeroPolicy
from loopyard.policies.checkpoint import load_checkpoint, load_policy
from loopyard.policies.policy import HISTORY_KEY
from loopyard.surface.cli import main
from loopyard.training.batches import BatchMaker
from loopyard.training.loss import chunk_l1, step_weights

STEPS = ("step_000002", "step_000004", "step_000006")


def checkpoints(cycle: Path) -> list[Path]:
    return [cycle / "checkpoints" / step for step in STEPS]


def drives(policy: Path, seeds: range, successes: int, *, first: int = 0) -> list[RolloutRecord]:
    digest = policy_digest(policy, n_action_steps=None, temporal_ensemble=None)
    scenario = Scenario(world="toy", preset="small")
    return [
        RolloutRecord(seed, scenario, Outcome(place < successes, 0.0, 5, 0.5, "x"), policy=digest)
        for place, seed in enumerate(seeds, first)
    ]


def write(path: Path, records: list[RolloutRecord]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_jsonl(records))


def test_frames_go_the_way_they_go_when_the_policy_drives(trained: Path) -> None:
    dataset = open_dataset(trained / "dataset")
    policy = load_policy(trained / "checkpoints" / "last")
    entry = dataset.episodes[2]
    (found,) = predict_episodes(policy, dataset, [2], ["ego"])
    frames = dataset.decode("ego", 2)
    for tick in (0, 7, entry.length - 1):
        obs = {
            "observation.images.ego": frames[tick],
            "observation.state": dataset.column("observation.state")[entry.from_index + tick],
        }
        assert np.allclose(found.chunks[tick], policy.predict_chunk(obs), atol=1e-6)


def test_a_policy_that_looks_back_is_given_the_ticks_before(trained: Path) -> None:
    dataset = open_dataset(trained / "dataset")
    states = dataset.column("observation.state")
    first = dataset.episodes[2].from_index

    class LooksBack(ZeroPolicy):
        n_obs_steps = 3

        def predict_chunks(self, observations):
            for obs in observations:
                seen.append([past["observation.state"] for past in obs[HISTORY_KEY]])
            return super().predict_chunks(observations)

    seen: list[list[np.ndarray]] = []
    list(predict_episodes(LooksBack(2), dataset, [2], ["ego"]))
    assert [len(past) for past in seen[:4]] == [0, 1, 2, 2]
    assert np.array_equal(np.stack(seen[3]), states[first + 1 : first + 3])


def test_the_loss_is_that_of_training_on_the_same_frames(trained: Path) -> None:
    result = evaluate_offline([trained / "checkpoints" / "last"], trained / "dataset")
    checkpoint = load_checkpoint(trained / "checkpoints" / "last")
    held_out = checkpoint.facts["datasets"][0]["validation_episodes"]
    assert result.episodes == held_out
    samples = Samples(open_dataset(trained / "dataset"), held_out)
    batch = BatchMaker([samples], checkpoint.processing, 6).plain(0, samples.usable)
    with torch.no_grad():
        predicted = checkpoint.model().eval()(batch.images, batch.state)
    loss, _ = chunk_l1(predicted, batch.action, batch.is_pad, step_weights(6, 0.85))
    assert result.rows[0].measured.values["loss"] == pytest.approx(float(loss), rel=0.02)
    # training's own figure is of the same frames, in batches of another size
    val = [row["val_loss"] for row in result.rows[0].curve.rows if "val_loss" in row][-1]  # type: ignore[union-attr]
    assert result.rows[0].measured.values["loss"] == pytest.approx(val, rel=0.03)
    assert result.rows[0].measured.values["gap"] is not None


def test_what_was_trained_on_is_left_out(trained: Path, tmp_path: Path) -> None:
    last = trained / "checkpoints" / "last"
    everything = evaluate_offline([last], trained / "dataset", seen=True)
    assert everything.episodes == list(range(6))
    assert "may have been trained on" in everything.notes[0]
    few = evaluate_offline([last], trained / "dataset", seen=True, frames=60)
    assert few.episodes == [0, 5]
    all_seen = shutil.copytree(last, tmp_path / "all")
    facts = json.loads((all_seen / "training.json").read_text())
    facts["datasets"][0]["train_episodes"] = list(range(6))
    (all_seen / "training.json").write_text(json.dumps(facts))
    with pytest.raises(DatasetError, match="held-out episodes: found 0"):
        evaluate_offline([all_seen], trained / "dataset")


def test_the_same_policy_counts_once(trained: Path) -> None:
    paths = [trained / "checkpoints" / name for name in ("step_000006", "last", "step_000002")]
    result = evaluate_offline(paths, trained / "dataset", frames=30)
    assert [row.path.name for row in result.rows] == ["step_000006", "step_000002"]
    assert "last is left out: the same policy as" in result.notes[0]


def test_success_is_found_by_the_policy_and_compared_on_shared_scenes(cycle: Path) -> None:
    own, other, third = checkpoints(cycle)
    write(cycle / "rollouts/select.jsonl", drives(own, range(800_000, 800_010), 6))
    write(
        cycle / "out/gate.jsonl",
        [*drives(other, range(800_000, 800_020), 3), *drives(other, range(5), 5)],
    )
    places = [cycle / "out"]
    mine, theirs, none = (found_rollouts(path, 3, places) for path in (own, other, third))
    assert mine is not None
    assert theirs is not None
    assert none is None
    assert (mine.successes, mine.n) == (6, 10)
    assert (theirs.successes, theirs.n) == (3, 20)  # not on scenes to learn from
    shared = on_shared_scenes([mine, theirs, none])
    assert [part and part.n for part in shared] == [10, 10, None]
    with pytest.raises(DatasetError, match="rollouts: found 'nothing'"):
        found_rollouts(own, 3, [cycle / "nowhere"])


def test_an_older_campaign_names_the_checkpoint_it_drove(cycle: Path) -> None:
    last = cycle / "checkpoints" / "last"
    records = drives(last, range(800_000, 800_004), 2)
    strange = [RolloutRecord(r.seed, r.scenario, r.outcome, policy="gone") for r in records]
    write(cycle / "rollouts/select.jsonl", strange)
    assert found_rollouts(last, 3) is None
    (cycle / "cycle.json").write_text('{"checkpoint": "cycles/01/checkpoints/last"}')
    found = found_rollouts(last, 3)
    assert found is not None
    assert (found.successes, found.n) == (2, 4)
    assert found_rollouts(cycle / "checkpoints" / "step_000002", 3) is None


def test_metrics_are_held_against_success(cycle: Path) -> None:
    for number, path in enumerate(checkpoints(cycle)):
        write(cycle / f"out/{number}.jsonl", drives(path, range(800_000, 800_010), 3 * number))
    result = evaluate_offline(checkpoints(cycle), cycle / "dataset", rollouts=[cycle / "out"])
    found = result.correlations["loss"]
    assert (found.n, found.spearman_95) == (3, None)
    assert found.spearman is not None
    losses = [row.measured.values["loss"] for row in result.rows]
    order = np.argsort(np.argsort(np.array(losses)))
    assert found.spearman == pytest.approx(np.corrcoef(order, [0, 1, 2])[0, 1])


def test_short_names() -> None:
    paths = [Path(f"runs/demo/cycles/{n}/checkpoints/{c}") for n, c in (("01", "a"), ("02", "b"))]
    assert short_names(paths) == ["01/a", "02/b"]
    assert short_names(paths[:1]) == ["a"]


def test_the_command(cycle: Path, tmp_path: Path, capsys) -> None:
    for number, path in enumerate(checkpoints(cycle)):
        write(cycle / f"out/{number}.jsonl", drives(path, range(800_000, 800_010), 3 * number))
    args = ["evaluate", *map(str, checkpoints(cycle)), "--offline", str(cycle / "dataset")]
    args += ["--rollouts", str(cycle / "out"), "--out", str(tmp_path / "offline")]
    assert main([*args, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [part["closed_loop"]["successes"] for part in answer["checkpoints"]] == [0, 3, 6]
    assert answer["correlations"]["mae"]["better"] == "lower"
    assert json.loads((tmp_path / "offline/offline.json").read_text())["frames"] == 60
    assert {path.name for path in (tmp_path / "offline").iterdir()} == {
        "offline.json",
        "metrics.svg",
        "training.svg",
    }
    for path in (tmp_path / "offline").glob("*.svg"):
        assert path.read_text().count("</svg>") == 1
    assert main(args[:-2]) == 0
    said = capsys.readouterr().out
    assert re.search(r"step_000004 +3/10", said)
    assert "3 checkpoints are too few for an interval" in said


def test_one_checkpoint_is_told_channel_by_channel(trained: Path, capsys) -> None:
    last = str(trained / "checkpoints" / "last")
    assert main(["evaluate", "--policy", last, "--offline", str(trained / "dataset")]) == 0
    said = capsys.readouterr().out
    assert "steering" in said
    assert "scan" in said
    assert "mode collapse: " in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--offline", "nowhere"], "checkpoints, --frames: found ([], 5000)"),
        (["a", "b"], "--policy: found ['a', 'b'], expected one checkpoint folder"),
        ([], "--policy: found 'nothing'"),
    ],
)
def test_wrong_use(args: list[str], message: str, capsys) -> None:
    assert main(["evaluate", *args]) == 2
    assert message in capsys.readouterr().err


def test_a_dataset_of_another_robot_is_refused(trained: Path, tmp_path: Path) -> None:
    last = shutil.copytree(trained / "checkpoints" / "last", tmp_path / "other")
    facts = json.loads((last / "training.json").read_text())
    facts["world_spec"]["action"]["channels"][0]["name"] = "throttle"
    (last / "training.json").write_text(json.dumps(facts))
    with pytest.raises(DatasetError, match="action channels: found"):
        evaluate_offline([last], trained / "dataset")
    with pytest.raises(CheckpointError):
        evaluate_offline([tmp_path / "nowhere"], trained / "dataset")
