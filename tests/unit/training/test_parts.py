"""Loss, schedule, average, guard, journal, threads: one small thing each."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from loopyard.core.errors import ConfigError, TrainingError
from loopyard.policies.config import validated
from loopyard.training.average import Average
from loopyard.training.config import TrainConfig
from loopyard.training.guard import MAX_SKIPS, Guard
from loopyard.training.journal import Journal, read_journal
from loopyard.training.loss import chunk_huber, chunk_l1, step_weights, total_weight
from loopyard.training.loss_scale import GROWS_EVERY, LossScale
from loopyard.training.parallel import Replicas, shard_count
from loopyard.training.schedule import Budget, learning_rate
from loopyard.training.setup import has_bf16
from loopyard.training.state import Progress


def test_loss_is_the_mean_over_steps_that_exist():
    target = torch.zeros(2, 3, 2)
    prediction = torch.tensor([1.0, 2.0]).expand(2, 3, 2)
    is_pad = torch.tensor([[False, False, True], [False, True, True]])
    prediction = prediction.masked_fill(is_pad[..., None], 100.0)
    loss, per_channel = chunk_l1(prediction, target, is_pad, step_weights(3, 1.0))
    assert loss.item() == pytest.approx(1.5)
    assert per_channel.tolist() == pytest.approx([1.0, 2.0])


def test_all_padding_is_no_loss():
    loss, _ = chunk_l1(
        torch.ones(1, 2, 1),
        torch.zeros(1, 2, 1),
        torch.ones(1, 2, dtype=torch.bool),
        step_weights(2, 1.0),
    )
    assert loss.item() == 0


def test_early_steps_count_more():
    weights = step_weights(4, 0.5)
    assert weights.mean().item() == pytest.approx(1.0)
    assert torch.allclose(weights[1:] / weights[:-1], torch.tensor(0.5))
    late = torch.zeros(1, 4, 1)
    late[0, 3] = 1.0
    loss, _ = chunk_l1(late, torch.zeros(1, 4, 1), torch.zeros(1, 4, dtype=torch.bool), weights)
    assert loss.item() == pytest.approx(0.125 / 1.875)


def test_losses_of_parts_add_up():
    torch.manual_seed(0)
    prediction, target = torch.randn(6, 4, 2), torch.randn(6, 4, 2)
    is_pad, weights = torch.rand(6, 4) < 0.4, step_weights(4, 0.8)
    whole, channels = chunk_l1(prediction, target, is_pad, weights)
    total = total_weight(is_pad, weights)
    parts = [
        chunk_l1(prediction[rows], target[rows], is_pad[rows], weights, total)
        for rows in (slice(0, 2), slice(2, 6))
    ]
    assert sum(loss.item() for loss, _ in parts) == pytest.approx(whole.item(), rel=1e-5)
    assert torch.allclose(parts[0][1] + parts[1][1], channels)


def test_rate_warms_up_and_ends_low():
    config = TrainConfig(steps=100, lr=1.0, warmup_steps=10, lr_final_share=0.1)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 50, 0.5) == pytest.approx(0.55)
    assert learning_rate(config, 100, 1.0) == pytest.approx(0.1)
    assert learning_rate(config, 100, 7.0) == pytest.approx(0.1)


def test_budget_ends_by_what_comes_first():
    minutes = Budget.of(TrainConfig(minutes=2), 1000, left_s=None)
    assert minutes.share(10**6, 60.0) == pytest.approx(0.5)
    assert Budget.of(TrainConfig(minutes=2), 1000, left_s=30.0).share(0, 15.0) == 0.5
    epochs = Budget.of(TrainConfig(epochs=2, batch_size=50), 1000, left_s=None)
    assert epochs.share(40, 1e9) == 1.0
    assert Budget.of(TrainConfig(steps=10), 1000, left_s=0.0).share(0, 0.0) == 1.0


def test_steps_in_time_do_not_look_at_the_clock():
    budget = Budget.of(TrainConfig(steps=10), 1000, left_s=100.0)
    assert budget.share(0, 3.0) == 0.0
    assert budget.share(5, 59.0) == 0.5
    assert budget.share(5, 61.0) == pytest.approx(0.61)
    assert budget.share(9, 100.0) == 1.0
    assert budget.share(10, 50.0) == 1.0


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "budget: found none"),
        ({"steps": 1, "minutes": 1}, "budget"),
        ({"steps": 1, "shares": (0.0,)}, "shares"),
        ({"steps": 1, "batch_sise": 4}, "batch_sise"),
        ({"steps": "many"}, "steps: found 'many'"),
        ({"steps": 1, "augmentation": {"shift_px": -1}}, r"augmentation.shift_px: found -1"),
    ],
)
def test_wrong_settings_are_named(settings, field):
    with pytest.raises(ConfigError, match=field):
        validated(TrainConfig, "train", settings)


def test_on_and_off_may_come_from_yaml():
    assert TrainConfig.model_validate({"steps": 1, "bf16": False}).bf16 == "off"
    assert TrainConfig.model_validate({"steps": 1, "bf16": True}).bf16 == "on"


def weight(model: nn.Module) -> float:
    return next(model.parameters())[0, 0].item()


def test_average_follows_and_forgets_the_start():
    model = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(model.weight)
    average = Average(model, 0.9)
    nn.init.ones_(model.weight)
    average.update(model.parameters(), 1)
    assert weight(average.model) == pytest.approx(1 - 2 / 11)
    for n in range(2, 200):
        average.update(model.parameters(), n)
    assert weight(average.model) == pytest.approx(1.0, abs=1e-4)
    assert Average(model, 0.0).model is model


def test_guard_skips_then_rolls_back_then_gives_up(tmp_path):
    guard, rows = Guard(tmp_path, seed=7), [np.array([1, 2])]
    assert guard.judge(0, 1.0, 1.0, rows, 0) == "step"
    verdicts = [guard.judge(step, math.nan, 1.0, rows, 0) for step in range(1, MAX_SKIPS + 2)]
    assert verdicts == ["skip"] * MAX_SKIPS + ["rollback"]
    for step in range(10, 10 + MAX_SKIPS):
        assert guard.judge(step, 1.0, math.inf, rows, 1) == "skip"
    with pytest.raises(TrainingError, match="bad-step-000013"):
        guard.judge(13, math.nan, 1.0, rows, 1)
    evidence = json.loads((tmp_path / "bad-step-000001.json").read_text())
    assert evidence["rows"] == [[1, 2]]
    assert evidence["seed"] == 7


def test_a_good_batch_ends_a_bad_row(tmp_path):
    guard, rows = Guard(tmp_path, seed=0), [np.array([0])]
    for step in range(0, 40, 2):
        assert guard.judge(step, math.inf, 1.0, rows, 0) == "skip"
        assert guard.judge(step + 1, 1.0, 1.0, rows, 0) == "step"


def test_journal_drops_rows_past_a_resume_and_a_torn_line(tmp_path):
    path = tmp_path / "log.jsonl"
    journal = Journal(path, resume_step=None)
    for step in (1, 2, 3):
        journal.add({"step": step, "loss": 0.5 / step})
    with path.open("a") as file:
        file.write('{"step": 4, "lo')
    assert [row["step"] for row in Journal(path, resume_step=2).rows] == [1, 2]
    assert [row["step"] for row in read_journal(path)] == [1, 2]
    journal.draw(tmp_path / "loss.svg")
    assert "<svg" in (tmp_path / "loss.svg").read_text()


def test_gradients_of_parts_are_the_gradient_of_the_whole():
    torch.manual_seed(0)
    model, x = nn.Linear(3, 2), torch.randn(8, 3)
    model(x).square().sum().backward()
    assert model.weight.grad is not None
    whole = model.weight.grad.clone()
    replicas = Replicas(model, 3)
    replicas.zero_grad()
    parts = [x[:2], x[2:5], x[5:]]

    def learn(shard: int) -> None:
        replicas.models[shard](parts[shard]).square().sum().backward()

    replicas.map(learn, range(3))
    replicas.gather_gradients()
    assert model.weight.grad is not None
    assert torch.allclose(model.weight.grad, whole, atol=1e-6)
    with torch.no_grad():
        model.weight += 1
    assert torch.equal(next(replicas.models[2].parameters()), model.weight)
    replicas.close()


def test_networks_that_draw_numbers_are_not_split():
    cpu, model = torch.device("cpu"), nn.Linear(1, 1)
    assert shard_count(model, cpu, 2, 64) == 2
    assert shard_count(model, cpu, 8, 64) == 4
    assert shard_count(model, torch.device("cuda"), 8, 64) == 1
    model.random_forward = True  # type: ignore[assignment]
    assert shard_count(model, cpu, 2, 64) == 1


def test_bf16_where_the_processor_has_it(tmp_path):
    path = tmp_path / "cpuinfo"
    assert not has_bf16(path)
    path.write_text("flags : avx2 avx512f avx512_bf16\n")
    assert has_bf16(path)
    path.write_text("flags : avx2\n")
    assert not has_bf16(path)


def test_huber_is_half_the_square_and_then_a_line():
    error = torch.tensor([[[0.1], [2.0]]])
    is_pad = torch.zeros(1, 2, dtype=torch.bool)
    loss, _ = chunk_huber(error, torch.zeros(1, 2, 1), is_pad, step_weights(2, 1.0), delta=1.0)
    assert loss.item() == pytest.approx((0.5 * 0.1**2 + (2.0 - 0.5)) / 2)
    pad = torch.tensor([[False, True]])
    loss, _ = chunk_huber(error, torch.zeros(1, 2, 1), pad, step_weights(2, 1.0), delta=1.0)
    assert loss.item() == pytest.approx(0.5 * 0.1**2)


def test_a_loss_scale_halves_at_an_overflow_and_leaves_the_rest_to_the_guard():
    progress = Progress()
    scale = LossScale(progress, active=True)
    first = progress.loss_scale
    assert not scale.overflowed(1.0, 2.0)
    assert scale.overflowed(1.0, float("inf"))
    assert progress.loss_scale == first / 2
    assert not scale.overflowed(float("nan"), float("nan"))
    progress.loss_scale = 1.0
    assert not scale.overflowed(1.0, float("inf"))
    progress.updates = GROWS_EVERY
    scale.grow()
    assert progress.loss_scale == 2.0
    assert LossScale(Progress(), active=False).progress.loss_scale == 1.0
