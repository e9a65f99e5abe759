"""Every setting of `vla`, with the reason for its value where there is one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from loopyard.core.errors import expected
from loopyard.policies.config import PolicyConfig


class Marks(BaseModel, frozen=True, extra="forbid"):
    """Token numbers of a backbone. start: before everything. before, after: around a picture.
    unknown, pad: for words. first_word: where the words of an instruction begin."""

    start: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    unknown: int
    pad: int
    first_word: int = 0


class VlaConfig(PolicyConfig, frozen=True):
    """`vla`: what a backbone reads off each of the last frames, and a head over them.

    n_obs_steps: frames looked at, this one included. Where the backbone comes from is one of:
    weights, a folder or a hub name; size, random weights of a named configuration; architecture,
    random weights of a whole transformers configuration (what `loopyard merge` writes).
    marks: of such a configuration, where they are not those of random weights.
    weights_seed: of random weights. download: may weights be fetched; never kept in a checkpoint.
    base_dtype: in which a backbone that does not learn is held.
    mode: what learns besides the head: the whole backbone, adapters in it, nothing of it.
    lora_targets: names of the layers that get an adapter; none takes every attention projection of
    the language part, and of the vision part as well with lora_vision.
    readout: a learned token after the instruction, or the means over picture and words.
    head: an LSTM over the frames, or a perceptron over all of them; hidden: its width.
    bins: 0 predicts numbers; else each action is one of so many classes over [-1, 1].
    bin_balance: a class weighs its share of the labels to the power of minus this; 0: all alike.
    """

    type: Literal["vla"] = "vla"
    chunk_size: int = Field(default=10, ge=1)
    n_action_steps: int = Field(default=2, ge=1)
    n_obs_steps: int = Field(default=4, ge=1, le=8)

    backbone: Literal["kosmos-2", "smolvlm"] = "kosmos-2"
    weights: str | None = None
    size: Literal["tiny", "full"] | None = None
    architecture: dict[str, Any] | None = None
    marks: Marks | None = None
    weights_seed: int = 0
    download: bool = Field(default=False, exclude=True)
    base_dtype: Literal["float32", "bfloat16"] = "float32"

    mode: Literal["full", "lora", "frozen"] = "lora"
    lora_rank: int = Field(default=32, ge=1)
    lora_alpha: float = Field(default=16.0, gt=0)
    lora_dropout: float = Field(default=0.1, ge=0, lt=1)
    lora_targets: tuple[str, ...] = ()
    lora_vision: bool = False

    readout: Literal["action", "pooled"] = "action"
    head: Literal["lstm", "mlp"] = "lstm"
    hidden: int = Field(default=512, ge=8)
    bins: int = Field(default=0, ge=0)
    bin_balance: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _check_parts(self) -> VlaConfig:
        sources = {"weights": self.weights, "size": self.size, "architecture": self.architecture}
        given = [name for name, value in sources.items() if value is not None]
        for wrong, field, found, wanted in (
            (
                len(given) != 1,
                "weights",
                given or None,
                "weights, a local folder or a hub name; or size, for random weights (tiny, full)",
            ),
            (
                self.mode == "frozen" and self.readout == "action",
                "readout",
                self.readout,
                "pooled with mode frozen: a learned token would have to go through the backbone",
            ),
            (
                self.mode == "full" and self.base_dtype != "float32",
                "base_dtype",
                self.base_dtype,
                "float32 with mode full: what learns is held whole",
            ),
            (self.bins == 1, "bins", self.bins, "0, or 2 and more"),
        ):
            if wrong:
                raise ValueError(expected("policy", field, found, wanted))
        return self

    @property
    def takes_text(self) -> bool:
        return True

    @property
    def window(self) -> int:
        return self.n_obs_steps

    @property
    def loss(self) -> Literal["l1", "huber"]:
        return "huber"
