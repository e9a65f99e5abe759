"""What every network's config states: its inputs and outputs, in LeRobot's form."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from loopyard.core.errors import ConfigError, expected
from loopyard.core.specs import ACTION_KEY, IMAGE_PREFIX, STATE_KEY, WorldSpec

FeatureType = Literal["STATE", "VISUAL", "ENV", "ACTION"]


class Feature(BaseModel):
    """One input or output: what it is, and its shape ((3, height, width) for an image)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: FeatureType
    shape: tuple[int, ...]


class PolicyConfig(BaseModel, frozen=True, extra="forbid"):
    """Base of the networks' configs: frozen, and unknown keys are errors.

    chunk_size: control ticks that one prediction covers.
    n_action_steps: how many of them are executed before the next prediction.
    """

    type: str
    input_features: dict[str, Feature]
    output_features: dict[str, Feature]
    chunk_size: int = Field(default=20, ge=1)
    n_action_steps: int = Field(default=20, ge=1)

    @model_validator(mode="after")
    def _check(self) -> PolicyConfig:
        if self.n_action_steps > self.chunk_size:
            raise ValueError(
                expected(
                    "policy",
                    "n_action_steps",
                    self.n_action_steps,
                    f"at most chunk_size ({self.chunk_size})",
                )
            )
        if ACTION_KEY not in self.output_features:
            raise ValueError(
                expected(
                    "policy",
                    "output_features",
                    list(self.output_features),
                    f"the key '{ACTION_KEY}'",
                )
            )
        visual = [
            feature.shape for feature in self.input_features.values() if feature.type == "VISUAL"
        ]
        if not visual or len(set(visual)) > 1 or len(visual[0]) != 3:
            raise ValueError(
                expected(
                    "policy",
                    "input_features",
                    visual,
                    "VISUAL features, all of one shape (3, height, width)",
                )
            )
        others = [
            key
            for key, feature in self.input_features.items()
            if feature.type != "VISUAL" and key != STATE_KEY
        ]
        if others:
            raise ValueError(
                expected("policy", "input_features", others, f"only images and '{STATE_KEY}'")
            )
        return self

    @property
    def cameras(self) -> list[str]:
        """Camera names, in the order in which the network takes their images."""
        return [
            key.removeprefix(IMAGE_PREFIX)
            for key, feature in self.input_features.items()
            if feature.type == "VISUAL"
        ]

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of every image as the network takes it."""
        return next(
            (feature.shape[1], feature.shape[2])
            for feature in self.input_features.values()
            if feature.type == "VISUAL"
        )

    @property
    def state_size(self) -> int:
        feature = self.input_features.get(STATE_KEY)
        return feature.shape[0] if feature else 0

    @property
    def takes_text(self) -> bool:
        """Does the network read the instruction?"""
        return False

    @property
    def window(self) -> int:
        """Ticks it looks at, this one included."""
        return 1

    @property
    def loss(self) -> Literal["l1", "huber"]:
        """What it learns by, unless the settings of its training say otherwise."""
        return "l1"

    @property
    def action_size(self) -> int:
        return self.output_features[ACTION_KEY].shape[0]


def features_of(
    spec: WorldSpec, cameras: list[str], image_size: tuple[int, int]
) -> dict[str, dict[str, Feature]]:
    """``input_features`` and ``output_features`` for a policy that sees these cameras of a world.

    Raises:
        ConfigError: a camera that the world does not have.
    """
    known = [camera.name for camera in spec.cameras]
    for camera in cameras:
        if camera not in known:
            raise ConfigError(expected("train", "cameras", camera, f"one of {known}"))
    inputs = {
        IMAGE_PREFIX + camera: Feature(type="VISUAL", shape=(3, *image_size)) for camera in cameras
    }
    if spec.state.size:
        inputs[STATE_KEY] = Feature(type="STATE", shape=(spec.state.size,))
    return {
        "input_features": inputs,
        "output_features": {ACTION_KEY: Feature(type="ACTION", shape=(spec.action.size,))},
    }


def validated(model: type[BaseModel], where: str, data: dict[str, Any]) -> Any:
    """``model(**data)``, its complaints in the house form.

    Raises:
        ConfigError: an unknown key, a wrong type or a value out of range.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_complaint(model, where, part) for part in error.errors())
        ) from None


def _complaint(model: type[BaseModel], where: str, part: Any) -> str:
    field = ".".join(str(name) for name in part["loc"])
    if part["type"] == "extra_forbidden":
        return expected(
            where, field, part["input"], f"no such key; keys are {sorted(model.model_fields)}"
        )
    if part["type"] == "value_error":
        return str(part["ctx"]["error"])
    return expected(where, field, part["input"], part["msg"].lower())
