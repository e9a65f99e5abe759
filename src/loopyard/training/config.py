"""Every setting of a training run, with its default and the reason where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from loopyard.data.augment import Augmentation

OF_POLICY: dict[str, dict[str, Any]] = {
    "vla": {"batch_size": 8, "accumulate": 8, "lr": 1e-4, "weight_decay": 0.01},
}
"""Defaults that are another policy's own: a backbone that has learned before is only adapted."""


class TrainConfig(BaseModel):
    """Settings of `loopyard.training.loop.train`; exactly one of minutes, steps, epochs.

    policy_options: sizes of the network that differ from its defaults (see its config class).
    shares: part of each batch that each dataset gives; None is by their number of frames.
    chunk_size, n_action_steps: None takes the policy's own default.
    accumulate: batches that make one step, one after the other: the memory of one, the gradient of
    all together. Half the batch and twice as many take the very same frames a step.
    loss: ``l1``, or ``huber`` whose line begins at an error of huber_delta; None: the policy's own.
    step_weight_decay: weight of step k of a chunk is this to the power k (1: all alike).
    channel_weights: weight of an action channel in the loss, by name, where it is not 1. They are
    scaled to a mean of 1, and what is logged stays unweighted, so that runs can be compared.
    state_dropout: share of samples whose whole state is hidden, which forces a look at the image.
    word_dropout: share of an instruction's words that are made unknown, for a network that reads.
    masked: what is hidden from the policy for good, ``image`` or ``text``: what a policy that looks
    and reads has to beat.
    ema_decay: the policy that is saved is a moving average of the weights; 0 saves the weights.
    init_from: a checkpoint to go on from, with its sizes and, unless ``new_statistics``, its
    processing. bf16 ``auto``: where the processor computes in bfloat16. fp16: float16 instead, the
    loss scaled so that small gradients are not lost. threads 0: all cores.
    feature_cache_gb: disk that a frozen backbone's features of one dataset may take, its pictures
    then unvaried; 0 computes them anew at every step, from varied pictures.
    checkpoint_every: steps between ``step_NNNNNN`` checkpoints, of which ``keep`` stay.
    keep_top: checkpoints of lowest held-out loss that stay, as ``top_NNNNNN``.
    save_every_s: seconds of work that a crash may cost: ``last`` is written at least so often.
    allow_failed_audit is recorded in checkpoints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str = "act-nano"
    policy_options: dict[str, Any] = Field(default_factory=dict)
    cameras: tuple[str, ...] | None = None
    image_size: tuple[int, int] | None = None
    chunk_size: int | None = Field(default=None, ge=1)
    n_action_steps: int | None = Field(default=None, ge=1)

    minutes: float | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)

    batch_size: int = Field(default=64, ge=1)
    accumulate: int = Field(default=1, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    lr_final_share: float = Field(default=0.02, ge=0, le=1)
    warmup_steps: int = Field(default=100, ge=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    grad_clip: float = Field(default=1.0, gt=0)
    loss: Literal["l1", "huber"] | None = None
    huber_delta: float = Field(default=1.0, gt=0)
    ema_decay: float = Field(default=0.99, ge=0, lt=1)
    step_weight_decay: float = Field(default=0.85, gt=0, le=1)
    channel_weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    augmentation: Augmentation = Augmentation()
    state_dropout: float = Field(default=0.0, ge=0, le=1)
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    masked: tuple[Literal["image", "text"], ...] = ()
    shares: tuple[float, ...] | None = None

    seed: int = 0
    validation_share: float = Field(default=0.05, ge=0, lt=1)
    validation_frames: int = Field(default=1024, ge=1)
    validate_every: int = Field(default=500, ge=1)
    checkpoint_every: int = Field(default=1000, ge=1)
    save_every_s: float = Field(default=60.0, gt=0)
    keep: int = Field(default=2, ge=0)
    keep_top: int = Field(default=3, ge=0)
    log_every: int = Field(default=25, ge=1)

    init_from: Path | None = None
    new_statistics: bool = False
    image_mode: Literal["identity", "mean_std", "min_max"] = "mean_std"
    state_mode: Literal["identity", "mean_std", "min_max"] = "mean_std"
    action_mode: Literal["identity", "mean_std", "min_max"] = "identity"
    constant_channels: Literal["error", "center"] = "error"
    allow_failed_audit: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"
    bf16: Literal["auto", "on", "off"] = "auto"
    fp16: bool = False
    feature_cache_gb: float = Field(default=20.0, ge=0)
    threads: int = Field(default=0, ge=0)

    @property
    def samples_a_step(self) -> int:
        """Samples that one step of the optimizer learns from."""
        return self.batch_size * self.accumulate

    @model_validator(mode="before")
    @classmethod
    def _policys_own(cls, data: Any) -> Any:
        return OF_POLICY.get(str(data.get("policy")), {}) | data if isinstance(data, dict) else data

    @field_validator("bf16", mode="before")
    @classmethod
    def _word_of(cls, value: Any) -> Any:
        """YAML reads the words on and off as true and false."""
        return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _one_budget(self) -> TrainConfig:
        given = [name for name in ("minutes", "steps", "epochs") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"train: budget: found {given or 'none'}, expected exactly one of "
                "minutes, steps, epochs"
            )
        if self.shares is not None and (min(self.shares, default=0) < 0 or sum(self.shares) <= 0):
            raise ValueError(
                f"train: shares: found {self.shares}, expected parts that are not "
                "negative and not all zero"
            )
        return self
