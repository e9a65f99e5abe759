"""What a served policy sees and does: what the handshake tells, and holds a client to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from loopyard.core.errors import ConfigError, ServeError, expected
from loopyard.core.specs import IMAGE_PREFIX, CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.surface.serve.wire import PROTOCOL

Difference = dict[str, Any]
"""``field``, ``found`` (at the client) and ``expected`` (by the policy)."""


@dataclass(frozen=True)
class Interface:
    """cameras: those it looks at, as large as they must be. state: without channels where it looks
    at none. world, task: what it was trained on; "" where its checkpoint does not say, and then
    channels are only numbered. n_obs_steps: ticks it looks at, the last one included. reads_task:
    an observation has to bring its instruction.
    """

    policy: str
    digest: str
    world: str
    task: str
    fps: int
    chunk_size: int
    n_action_steps: int
    n_obs_steps: int
    reads_task: bool
    cameras: tuple[CameraSpec, ...]
    state: VectorSpec
    action: VectorSpec

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Interface:
        """Inverse of `to_dict`. Raises ServeError where it is not one."""
        try:
            vectors = {
                name: VectorSpec(tuple(Channel(**one) for one in data[name]["channels"]))
                for name in ("state", "action")
            }
            cameras = tuple(CameraSpec(**one) for one in data["cameras"])
            return cls(**{**data, **vectors, "cameras": cameras})
        except (TypeError, KeyError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise ServeError(
                expected("welcome", "interface", why, "a policy's interface")
            ) from None


def safe_action(interface: Interface, *, whole: bool) -> np.ndarray:
    """Zeros: (A,), or (K, A) where the whole chunk was asked for."""
    size = interface.action.size
    return np.zeros((interface.chunk_size, size) if whole else size, np.float32)


def interface_of(
    policy: Any, digest: str, fps: int | None = None, where: str = "policy"
) -> Interface:
    """Of a policy that `load_policy` gave. fps: ticks a second, where its checkpoint has none.

    Raises:
        ConfigError: the policy does not say what it sees, or nobody says the ticks a second.
    """
    spec: WorldSpec | None = getattr(policy, "spec", None)
    sizes = _sizes(policy, where)
    known = {} if spec is None else {camera.name: camera for camera in spec.cameras}
    rate = fps or (spec.fps if spec is not None else None)
    if rate is None:
        raise ConfigError(expected(where, "fps", "nothing", "it in the checkpoint, or --fps"))
    config = getattr(policy, "config", None)
    return Interface(
        policy=getattr(config, "type", type(policy).__name__),
        digest=digest,
        world="" if spec is None else spec.world,
        task="" if spec is None else spec.task,
        fps=rate,
        chunk_size=policy.chunk_size,
        n_action_steps=policy.n_action_steps,
        n_obs_steps=getattr(policy, "n_obs_steps", 1),
        reads_task=bool(getattr(config, "takes_text", False)),
        cameras=tuple(known.get(name, camera) for name, camera in sizes.cameras.items()),
        state=_vector(spec and spec.state, "state", sizes.state),
        action=_vector(spec and spec.action, "action", sizes.action),
    )


@dataclass(frozen=True)
class _Sizes:
    cameras: dict[str, CameraSpec]
    state: int
    action: int


def _sizes(policy: Any, where: str) -> _Sizes:
    """As the network's config says them, or LeRobot's."""
    config, inputs = getattr(policy, "config", None), getattr(policy, "inputs", None)
    if config is not None:
        height, width = config.image_size
        cameras = {name: CameraSpec(name, width, height) for name in config.cameras}
        return _Sizes(cameras, config.state_size, config.action_size)
    if inputs is not None:
        named = {
            key.removeprefix(IMAGE_PREFIX): (width, height)
            for key, (height, width) in inputs.cameras.items()
        }
        cameras = {name: CameraSpec(name, *size) for name, size in named.items()}
        return _Sizes(cameras, inputs.state_size, inputs.action_size)
    wanted = "a checkpoint, which says which cameras it looks at"
    raise ConfigError(expected(where, "checkpoint", type(policy).__name__, wanted))


def _vector(known: VectorSpec | None, prefix: str, size: int) -> VectorSpec:
    if size == 0:
        return VectorSpec(())
    if known is not None and known.size == size:
        return known
    return VectorSpec(tuple(Channel(f"{prefix}_{number}") for number in range(size)))


def expectation(spec: WorldSpec | None, digest: str | None) -> dict[str, Any]:
    """What a client says that it has: of its world or robot, and of the policy it wants."""
    told: dict[str, Any] = {} if digest is None else {"digest": digest}
    if spec is None:
        return told
    return {
        **told,
        "fps": spec.fps,
        "cameras": {camera.name: [camera.height, camera.width] for camera in spec.cameras},
        "state": spec.state.names,
        "action": [_meaning(channel) for channel in spec.action.channels],
    }


def differences(hello: Mapping[str, Any], interface: Interface) -> list[Difference]:
    """All that keeps a client from this policy; empty where nothing does.

    A client may have more cameras than the policy looks at, and any state where it looks at none.
    """
    found = _unlike("protocol", hello.get("protocol"), PROTOCOL)
    expects = hello.get("expects") or {}
    if not isinstance(expects, dict):
        return [*found, *_unlike("expects", type(expects).__name__, "a map")]
    for field in sorted(map(str, expects)):
        if field not in ("digest", "fps", "cameras", "state", "action"):
            wanted = "digest, fps, cameras, state or action"
            found += _unlike("expects", field[:40], wanted)
    for field in ("digest", "fps"):
        if field in expects:
            found += _unlike(field, expects[field], getattr(interface, field))
    if "cameras" in expects:
        has = expects["cameras"] if isinstance(expects["cameras"], dict) else {}
        for camera in interface.cameras:
            size = [camera.height, camera.width]
            found += _unlike(f"cameras.{camera.name}", has.get(camera.name), size)
    named = bool(interface.world)
    if interface.state.size and "state" in expects:
        found += _list(expects["state"], interface.state.names, "state", named)
    if "action" in expects:
        meanings = [_meaning(channel) for channel in interface.action.channels]
        found += _list(expects["action"], meanings, "action", named)
    return found


def as_text(found: list[Difference]) -> str:
    """The differences as one line, each in the house form."""
    return "; ".join(
        expected("client", str(one["field"]), one["found"], one["expected"]) for one in found
    )


def _list(value: Any, wanted: list[Any], field: str, named: bool) -> list[Difference]:
    has = value if isinstance(value, list) else []
    if not named or len(has) != len(wanted):
        return _unlike(f"{field}.size", len(has), len(wanted))
    return [
        difference
        for number, (one, other) in enumerate(zip(has, wanted, strict=True))
        for difference in _unlike(f"{field}.{number}", one, other)
    ]


def _meaning(channel: Channel) -> list[Any]:
    return [channel.name, channel.unit, channel.low, channel.high]


def _unlike(field: str, found: Any, wanted: Any) -> list[Difference]:
    short = found if found is None or len(repr(found)) <= 120 else repr(found)[:120]
    return [] if found == wanted else [{"field": field, "found": short, "expected": wanted}]
