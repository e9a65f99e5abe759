from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest
import torch

from loopyard.core.errors import CheckpointError, ConfigError, Interrupted, TrainingError
from loopyard.policies.checkpoint import load_checkpoint, load_policy
from loopyard.policies.chunked import ChunkedPolicy
from loopyard.store.manifest import verify_manifest
from loopyard.training.gradients import Gradients
from loopyard.training.journal import read_journal
from loopyard.training.loop import train
from loopyard.training.state import read_progress
from loopyard.training.trainer import Trainer


class StepClock:
    """A second passes at every look."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        self.now_s += 1.0
        return self.now_s

    def wall(self) -> float:
        return self.now_s


def digests(folder: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("model.safetensors", "resume.safetensors", "processing.safetensors")
    }


def test_learns_and_leaves_whole_checkpoints(config_of, sources, out):
    reports = []
    config = config_of(
        steps=60, lr=3e-3, validate_every=20, checkpoint_every=20, keep=2, log_every=10
    )
    result = train(config, sources, out, on_step=reports.append)
    rows = read_journal(out / "log.jsonl")
    assert result.steps == 60
    assert result.final_loss < 0.9 * rows[0]["loss"]
    assert set(rows[-1]["loss_per_channel"]) == {"steering", "throttle"}
    assert rows[-1]["val_loss"] == pytest.approx(result.best_loss, rel=0.5)
    assert [report.step for report in reports] == list(range(1, 61))
    assert {path.name for path in out.iterdir()} == {
        "best",
        "last",
        "step_000040",
        "step_000060",
        *("top_000020", "top_000040", "top_000060"),
        "log.jsonl",
        "loss.svg",
    }
    for name in ("best", "last", "step_000060"):
        verify_manifest(out / name)
    facts = load_checkpoint(out / "best").facts
    assert facts["datasets"] == [{"path": "fake"}]
    assert facts["averaged_weights"]
    policy = load_policy(out / "best")
    assert isinstance(policy, ChunkedPolicy)
    assert policy.processing.digest == facts["processing_digest"]
    samples = sources.parts[0].training
    chunk = policy.predict_chunk(
        {"observation.images.ego": samples.images["ego"][0], "observation.state": samples.state[0]}
    )
    assert chunk.shape == (5, 2)


@pytest.mark.parametrize("policy", ["act-nano", "act"])
def test_interrupted_and_resumed_is_bit_exact(config_of, sources, tmp_path, policy):
    sizes = {"policy": policy}
    if policy == "act":
        sizes["policy_options"] = {
            "dim_model": 16,
            "n_heads": 2,
            "dim_feedforward": 16,
            "n_encoder_layers": 1,
            "n_vae_encoder_layers": 1,
            "latent_dim": 4,
        }
        sizes |= {"batch_size": 8, "steps": 4, "validate_every": 100, "checkpoint_every": 100}
    config = config_of(bf16="off", **sizes)
    train(config, sources, tmp_path / "whole")

    def stop_at_three(report) -> None:
        if report.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="3 steps"):
        train(config, sources, tmp_path / "parts", on_step=stop_at_three)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    train(config, sources, tmp_path / "parts", resume=True)
    assert digests(tmp_path / "parts/last") == digests(tmp_path / "whole/last")
    rows = [read_journal(tmp_path / name / "log.jsonl")[-1] for name in ("whole", "parts")]
    assert rows[0]["grad_norm"] == rows[1]["grad_norm"]


def test_two_threads_give_the_same_bits_every_time(config_of, sources, tmp_path):
    for name in ("one", "two"):
        train(config_of(threads=2), sources, tmp_path / name)
    assert digests(tmp_path / "one/last") == digests(tmp_path / "two/last")


def test_a_finished_run_may_be_given_more_steps(config_of, sources, out):
    train(config_of(steps=4), sources, out)
    assert train(config_of(steps=6), sources, out, resume=True).steps == 6
    assert train(config_of(steps=6), sources, out, resume=True).steps == 6


def test_a_finished_run_that_is_resumed_tells_what_it_had_found(config_of, sources, out):
    """A campaign that is killed between the last step and its event asks again."""
    config = config_of(steps=6, log_every=2)
    first = train(config, sources, out)
    rows = read_journal(out / "log.jsonl")
    again = train(config, sources, out, resume=True)
    assert again.steps == first.steps
    assert again.final_loss == first.final_loss > 0
    assert again.samples_per_s > 0
    assert again.best_loss == first.best_loss
    assert read_journal(out / "log.jsonl") == rows


def test_killed_before_its_last_validation_a_run_still_has_its_best(
    config_of, sources, tmp_path, monkeypatch
):
    config = config_of(steps=4, checkpoint_every=2, validate_every=100)
    train(config, sources, tmp_path / "whole")

    def end(trainer, report):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "validate", end)
        with pytest.raises(KeyboardInterrupt):
            train(config, sources, tmp_path / "parts")
    assert not (tmp_path / "parts/best").exists()
    again = train(config, sources, tmp_path / "parts", resume=True)
    assert digests(tmp_path / "parts/last") == digests(tmp_path / "whole/last")
    assert read_progress(tmp_path / "parts/last").best_loss == again.best_loss
    verify_manifest(tmp_path / "parts/best")
    assert "val_loss" in read_journal(tmp_path / "parts/log.jsonl")[-1]


def test_minutes_and_deadline_are_kept(config_of, sources, out, tmp_path):
    result = train(config_of(minutes=0.5), sources, out, clock=StepClock())
    assert 5 < result.steps < 20
    clock = StepClock()
    short = train(config_of(minutes=60), sources, tmp_path / "b", deadline_s=20.0, clock=clock)
    assert 3 < short.steps < 12


def test_without_held_out_episodes_there_is_a_best_all_the_same(config_of, sources, out):
    part = sources.parts[0]
    alone = type(sources)(sources.spec, [type(part)(part.training, None, {})])
    result = train(config_of(ema_decay=0.0), alone, out)
    assert result.best.is_dir()
    assert "val_loss" not in read_journal(out / "log.jsonl")[-1]


def test_fine_tuning_keeps_the_processing_of_its_start(config_of, sources, tmp_path):
    train(config_of(), sources, tmp_path / "first")
    first = load_checkpoint(tmp_path / "first/best")
    other = type(sources)(sources.spec, list(sources.parts))
    other.parts[0].training.state[:] *= 3
    tuned = config_of(init_from=tmp_path / "first/best", policy_options={}, n_action_steps=4)
    train(tuned, other, tmp_path / "second")
    second = load_checkpoint(tmp_path / "second/best")
    assert second.processing.digest == first.processing.digest
    assert second.config.n_action_steps == 4
    train(
        config_of(init_from=tmp_path / "first/best", new_statistics=True), other, tmp_path / "third"
    )
    assert load_checkpoint(tmp_path / "third/best").processing.digest != first.processing.digest
    with pytest.raises(ConfigError, match=r"policy_options.hidden: found 99"):
        train(
            config_of(init_from=tmp_path / "first/best", policy_options={"hidden": 99}),
            other,
            tmp_path / "fourth",
        )


def test_numbers_that_go_bad_once_are_skipped(config_of, sources, out, monkeypatch):
    poison(monkeypatch, steps={2})
    result = train(config_of(), sources, out)
    facts = load_checkpoint(result.last).facts
    assert facts["skipped_steps"] == [2]
    assert json.loads((out / "bad-step-000002.json").read_text())["step"] == 2


def test_numbers_that_stay_bad_roll_back_once(config_of, sources, out, monkeypatch):
    poison(monkeypatch, steps={3, 4, 5, 6})
    result = train(config_of(steps=9), sources, out)
    assert load_checkpoint(result.last).facts["rollbacks"] == 1
    progress = json.loads((result.last / "resume.json").read_text())
    assert progress["lr_scale"] == 0.5
    assert progress["updates"] == 3 + 2


def test_what_was_skipped_is_known_after_a_resume(config_of, sources, out, monkeypatch):
    poison(monkeypatch, steps={1, 7})
    train(config_of(), sources, out)
    last = train(config_of(steps=9), sources, out, resume=True).last
    assert load_checkpoint(last).facts["skipped_steps"] == [1, 7]


def test_no_checkpoint_is_taken_amid_bad_numbers(config_of, sources, out, monkeypatch):
    """So that a rollback goes to before them."""
    poison(monkeypatch, steps={2, 3})
    found = []
    read = lambda report: found.append(read_progress(out / "last").step)  # noqa: E731
    train(config_of(steps=8, save_every_s=1.0), sources, out, on_step=read, clock=StepClock())
    assert found == [1, 2, 2, 2, 5, 6, 7, 8]


def test_numbers_that_never_recover_end_the_run(config_of, sources, out, monkeypatch):
    poison(monkeypatch, steps=set(range(3, 100)))
    with pytest.raises(TrainingError, match="bad-step"):
        train(config_of(steps=50), sources, out)
    verify_manifest(out / "last")


def poison(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Gradients of these steps become NaN."""
    honest = Gradients.of

    def gradients(self, step):
        loss, per_channel = honest(self, step)
        if step in steps:
            next(self._replicas.models[0].parameters()).grad.fill_(torch.nan)
        return loss, per_channel

    monkeypatch.setattr(Gradients, "of", gradients)


def test_an_earlier_run_is_not_overwritten(config_of, sources, out):
    train(config_of(), sources, out)
    with pytest.raises(CheckpointError, match="--resume"):
        train(config_of(), sources, out)
    with pytest.raises(CheckpointError, match="settings"):
        train(config_of(lr=1e-5), sources, out, resume=True)


def test_a_checkpoint_of_another_action_size_is_refused(config_of, sources, tmp_path):
    from loopyard.core.specs import Channel, VectorSpec

    train(config_of(), sources, tmp_path / "a")
    spec = sources.spec.__class__(
        **{**sources.spec.__dict__, "action": VectorSpec((Channel("only"),))}
    )
    with pytest.raises(CheckpointError, match="action size of the dataset: found 1"):
        train(
            config_of(init_from=tmp_path / "a/best", policy_options={}),
            type(sources)(spec, sources.parts),
            tmp_path / "b",
        )


def test_constant_state_is_refused_by_name(config_of, sources, out):
    sources.parts[0].training.state[:, 1] = 0.5
    with pytest.raises(CheckpointError, match=r"constant channels \['y'\]"):
        train(config_of(), sources, out)
    assert train(config_of(constant_channels="center"), sources, out).steps == 6


def test_time_that_a_killed_run_used_is_not_given_back(config_of, sources, out):
    """It had a checkpoint after 3 steps and logged 5 more seconds before it was killed."""
    train(config_of(minutes=0.5), sources, out, clock=StepClock())
    used = read_progress(out / "last").seconds
    with (out / "log.jsonl").open("a") as log:
        row = read_journal(out / "log.jsonl")[-1]
        log.write(json.dumps({**row, "step": row["step"] + 5, "seconds": used + 5}) + "\n")
    clock = StepClock()
    more = train(config_of(minutes=0.75), sources, out, resume=True, clock=clock)
    seconds = [row["seconds"] for row in read_journal(out / "log.jsonl")]
    assert seconds == sorted(seconds)
    assert read_progress(more.last).seconds <= 0.75 * 60 + 3
    assert 0.75 * 60 - (used + 5) <= clock.now_s <= 0.75 * 60 - (used + 5) + 10


def test_a_crash_costs_at_most_a_minute(config_of, sources, out):
    steps = []

    def note(report) -> None:
        steps.append(json.loads((out / "last" / "resume.json").read_text())["step"])

    config = config_of(steps=6, checkpoint_every=100, validate_every=100, save_every_s=4.0)
    train(config, sources, out, on_step=note, clock=StepClock())
    assert max(now - saved for now, saved in enumerate(steps, start=1)) < 4
    assert steps[-1] > 0
