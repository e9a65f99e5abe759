"""What a run needs to go on exactly where it stopped, kept inside the ``last`` checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from loopyard.core.errors import CheckpointError, expected
from loopyard.policies.checkpoint import load_weights, read_json, read_tensors
from loopyard.training.update import Update

STATE, TENSORS = "resume.json", "resume.safetensors"


@dataclass
class Progress:
    """Where a run stands. Every draw is a function of seed and step, so no generator need be here.

    step: batches seen. updates: optimizer steps taken (bad batches are skipped). seconds: of the
    budget used. lr_scale: lowered by a rollback. best_loss: lowest validation loss so far.
    skipped: steps whose numbers were bad. pieces: into so many each batch is cut to fit the memory.
    loss_scale: what the loss is multiplied by before its gradient, and the gradient divided by.
    losses: loss per channel of the latest batches, over which reports take their mean.
    top: (held-out loss, step) of the best checkpoints, the lowest loss first.
    """

    step: int = 0
    updates: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    lr_scale: float = 1.0
    rollbacks: int = 0
    skipped: list[int] = field(default_factory=list)
    pieces: int = 1
    loss_scale: float = 1.0
    losses: list[list[float]] = field(default_factory=list)
    top: list[tuple[float, int]] = field(default_factory=list)
    config_digest: str = ""


def write_state(
    folder: Path,
    progress: Progress,
    model: nn.Module,
    update: Update,
    average: nn.Module | None,
) -> None:
    """Put ``resume.json`` and ``resume.safetensors`` into a checkpoint that is being staged.

    The state of torch's generator goes along as the proof that a resumed run draws the same.
    """
    tensors = {"rng.torch": torch.get_rng_state()}
    tensors |= {f"raw.{name}": values for name, values in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, values in update.state_of(parameter).items():
            tensors[f"optimizer.{key}.{name}"] = values
    if average is not None:
        tensors |= {f"average.{name}": values for name, values in average.state_dict().items()}
    save_file(
        {name: values.detach().contiguous().clone() for name, values in tensors.items()},
        folder / TENSORS,
    )
    (folder / STATE).write_text(json.dumps(asdict(progress), indent=2) + "\n")


def read_progress(folder: Path) -> Progress:
    """Raises CheckpointError where the checkpoint cannot be resumed from."""
    data = read_json(folder / STATE)
    try:
        return Progress(**data)
    except TypeError as error:
        raise CheckpointError(
            expected(str(folder / STATE), "fields", str(error), "those of a run's progress")
        ) from None


def restore_state(
    folder: Path, model: nn.Module, update: Update, average: nn.Module | None
) -> None:
    """Put weights, optimizer, average and torch's generator back, bit for bit."""
    where = str(folder / TENSORS)
    parts: dict[str, dict[str, torch.Tensor]] = {"raw": {}, "optimizer": {}, "average": {}}
    for key, values in read_tensors(folder / TENSORS).items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = values
    load_weights(model, parts["raw"], where)
    if average is not None:
        load_weights(average, parts["average"], where)
    if "rng" in parts:  # checkpoints of earlier versions have none
        torch.set_rng_state(parts["rng"]["torch"])
    for name, parameter in model.named_parameters():
        found = {
            key: parts["optimizer"][f"{key}.{name}"]
            for key in ("step", "exp_avg", "exp_avg_sq")
            if f"{key}.{name}" in parts["optimizer"]
        }
        if found:
            update.put_state(
                parameter,
                {
                    key: values if key == "step" else _like(parameter, values)
                    for key, values in found.items()
                },
            )


def _like(parameter: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """``values`` in the parameter's memory layout: the fused optimizer walks both side by side."""
    return torch.empty_like(parameter, requires_grad=False).copy_(values)
