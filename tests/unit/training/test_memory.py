"""A GPU whose memory is too small for a batch: smaller pieces, the same step."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch

from loopyard.core.errors import TrainingError
from loopyard.policies.checkpoint import load_checkpoint, read_tensors
from loopyard.training.batches import Batch
from loopyard.training.gradients import Gradients
from loopyard.training.journal import read_journal
from loopyard.training.loop import train
from loopyard.training.objective import Objective


@pytest.fixture
def memory_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets a training step of more than so many samples at once run out of memory."""
    honest = Objective.learned

    def shrink(most: int) -> None:
        def loss(self: Objective, model, batch: Batch, total: torch.Tensor):
            if len(batch.state) > most:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            return honest(self, model, batch, total)

        monkeypatch.setattr(Objective, "learned", loss)

    return shrink


@pytest.mark.parametrize(("most", "pieces"), [(16, 2), (8, 4)])
def test_a_batch_that_does_not_fit_is_halved_and_the_step_stays(
    config_of, sources, tmp_path, memory_for, most, pieces
):
    config = config_of(bf16="off")  # of 32 samples
    train(config, sources, tmp_path / "whole")
    memory_for(most)
    train(config, sources, tmp_path / "pieces")
    whole, cut = (
        read_tensors(tmp_path / name / "last/model.safetensors") for name in ("whole", "pieces")
    )
    for name, values in whole.items():
        assert torch.allclose(values, cut[name], atol=1e-5), name
    assert load_checkpoint(tmp_path / "pieces/last").facts["pieces"] == pieces
    rows = [read_journal(tmp_path / name / "log.jsonl") for name in ("whole", "pieces")]
    assert [row["pieces"] for row in rows[1]] == [pieces] * len(rows[1])
    assert np.allclose([r["grad_norm"] for r in rows[0]], [r["grad_norm"] for r in rows[1]])


def test_a_resumed_run_need_not_run_out_again(config_of, sources, out, memory_for, monkeypatch):
    memory_for(16)
    train(config_of(), sources, out)
    tries = []
    honest = Gradients._whole
    monkeypatch.setattr(
        Gradients, "_whole", lambda self, step: tries.append(step) or honest(self, step)
    )
    train(config_of(steps=8), sources, out, resume=True)
    assert len(tries) == 2


def test_a_quarter_that_does_not_fit_ends_it_with_a_word(config_of, sources, out, memory_for):
    memory_for(7)
    with pytest.raises(TrainingError, match="32 samples in 4 pieces do not fit"):
        train(config_of(), sources, out)
    assert json.loads((out / "last/resume.json").read_text())["step"] == 0
