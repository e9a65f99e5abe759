"""What a world's numbers mean: names, units and limits of each channel, and the cameras."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

IMAGE_PREFIX = "observation.images."
STATE_KEY = "observation.state"
ACTION_KEY = "action"
TASK_KEY = "task"


@dataclass(frozen=True)
class Channel:
    """One number of a state or action vector.

    low and high are the limits of the value as it stands in the vector (after scaling);
    ``unit`` names what one unit of it is, for example ``"6 m"`` for a position divided by 6 m.
    """

    name: str
    unit: str = "1"
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True)
class VectorSpec:
    """An ordered set of channels: the meaning of a (size,) float32 vector."""

    channels: tuple[Channel, ...]

    @property
    def size(self) -> int:
        return len(self.channels)

    @property
    def names(self) -> list[str]:
        return [channel.name for channel in self.channels]


@dataclass(frozen=True)
class CameraSpec:
    """A camera that gives (height, width, 3) uint8 RGB."""

    name: str
    width: int
    height: int

    @property
    def key(self) -> str:
        """The observation key, ``observation.images.<name>``."""
        return IMAGE_PREFIX + self.name


@dataclass(frozen=True)
class WorldSpec:
    """What data and policies must know of a world, and all they may know of it.

    fps: control ticks a second. max_steps: ticks after which an episode is truncated.
    """

    world: str
    preset: str
    fps: int
    max_steps: int
    task: str
    state: VectorSpec
    action: VectorSpec
    cameras: tuple[CameraSpec, ...]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> WorldSpec:
        """Inverse of `to_dict`. Raises KeyError or TypeError on a malformed dict."""

        def vector(part: dict[str, Any]) -> VectorSpec:
            return VectorSpec(tuple(Channel(**channel) for channel in part["channels"]))

        return cls(
            world=data["world"],
            preset=data["preset"],
            fps=data["fps"],
            max_steps=data["max_steps"],
            task=data["task"],
            state=vector(data["state"]),
            action=vector(data["action"]),
            cameras=tuple(CameraSpec(**camera) for camera in data["cameras"]),
        )
