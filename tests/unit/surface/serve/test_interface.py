"""What a policy sees and does, and what differs from what a client has."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from telling import INTERFACE, SPEC

from loopyard.core.errors import ConfigError, ServeError
from loopyard.core.specs import CameraSpec, Channel, VectorSpec, WorldSpec
from loopyard.policies.baselines import ZeroPolicy
from loopyard.policies.catalogue import make_config
from loopyard.policies.config import features_of
from loopyard.policies.lerobot_inputs import Inputs
from loopyard.surface.serve.interface import (
    Interface,
    as_text,
    differences,
    expectation,
    interface_of,
)
from loopyard.surface.serve.wire import PROTOCOL, pack, unpack


def told(spec: WorldSpec | None = SPEC, digest=None, interface=INTERFACE):
    hello = {"type": "hello", "protocol": PROTOCOL, "expects": expectation(spec, digest)}
    return differences(unpack(pack(hello)), interface)


def test_it_goes_over_the_wire_and_back():
    sent = unpack(pack({"type": "welcome", "interface": INTERFACE.to_dict()}))["interface"]
    assert Interface.from_dict(sent) == INTERFACE


@pytest.mark.parametrize("data", [None, {}, [], {**INTERFACE.to_dict(), "more": 1}])
def test_what_is_none_is_refused(data):
    with pytest.raises(ServeError, match="welcome: interface: found"):
        Interface.from_dict(data)


def test_the_same_world_and_policy_fit():
    assert told() == []
    assert told(digest=INTERFACE.digest) == []
    assert told(spec=None) == []


def test_more_cameras_than_the_policy_looks_at_are_no_difference():
    assert told(replace(SPEC, cameras=(*SPEC.cameras, CameraSpec("wrist", 4, 4)))) == []


def test_a_state_it_does_not_look_at_is_no_difference():
    blind = replace(INTERFACE, state=VectorSpec(()))
    assert told(interface=blind) == []


@pytest.mark.parametrize(
    ("change", "field", "found", "wanted"),
    [
        ({"fps": 30}, "fps", 30, 10),
        ({"cameras": (CameraSpec("ego", 16, 12),)}, "cameras.ego", [12, 16], [8, 8]),
        ({"cameras": (CameraSpec("top", 8, 8),)}, "cameras.ego", None, [8, 8]),
        ({"state": VectorSpec((Channel("x"), Channel("z")))}, "state.1", "z", "y"),
        ({"state": VectorSpec((Channel("x"),))}, "state.size", 1, 2),
        (
            {"action": VectorSpec((Channel("ahead", "2 m/s", 0.0), *SPEC.action.channels[1:]))},
            "action.0",
            ["ahead", "2 m/s", 0.0, 1.0],
            ["ahead", "1 m/s", 0.0, 1.0],
        ),
    ],
)
def test_what_differs_is_told_exactly(change, field, found, wanted):
    assert told(replace(SPEC, **change)) == [{"field": field, "found": found, "expected": wanted}]


def test_everything_that_differs_is_told_at_once():
    other = replace(SPEC, fps=5, cameras=(), state=VectorSpec(()))
    fields = [one["field"] for one in told(other, digest="another")]
    assert fields == ["digest", "fps", "cameras.ego", "state.size"]
    assert "client: fps: found 5, expected 10; client: cameras" in as_text(told(other))


def test_where_channels_have_no_names_their_number_counts():
    nameless = replace(INTERFACE, world="")
    renamed = replace(SPEC, state=VectorSpec((Channel("a"), Channel("b"))))
    assert told(renamed, interface=nameless) == []
    fewer = replace(SPEC, action=VectorSpec((Channel("a"),)))
    assert [one["field"] for one in told(fewer, interface=nameless)] == ["action.size"]


@pytest.mark.parametrize("expects", [3, "x", [1], {"more": 1}, {"cameras": 4}, {"action": {}}])
def test_any_expectation_of_a_stranger_is_answered(expects):
    found = differences({"protocol": PROTOCOL, "expects": expects}, INTERFACE)
    assert found
    assert as_text(found)


def test_a_stranger_cannot_write_lines_into_the_log():
    found = differences({"protocol": "1\n1", "expects": {"a\nb": 1, "fps": "\x1b[2J"}}, INTERFACE)
    assert as_text(found).isprintable()


def test_another_version_is_told():
    assert differences({"protocol": 7}, INTERFACE) == [
        {"field": "protocol", "found": 7, "expected": PROTOCOL}
    ]


@pytest.mark.parametrize("kind", ["act", "act-nano", "vla-nano"])
def test_ours_say_it_in_config_and_spec(kind):
    data = {
        "type": kind,
        **features_of(SPEC, ["ego"], (4, 4)),
        "chunk_size": 6,
        "n_action_steps": 6,
    }
    config = make_config(kind, "test", data)
    policy = SimpleNamespace(config=config, spec=SPEC, chunk_size=6, n_action_steps=3)
    found = interface_of(policy, "digest")
    assert found == replace(
        INTERFACE,
        policy=kind,
        digest="digest",
        chunk_size=6,
        n_action_steps=3,
        reads_task=kind == "vla-nano",
    )
    policy.spec = None  # one of LeRobot's ACT: sizes are all there is
    found = interface_of(policy, "digest", fps=20)
    assert (found.world, found.fps, found.cameras) == ("", 20, (CameraSpec("ego", 4, 4),))
    assert (found.state.names, found.action.size) == (["state_0", "state_1"], 3)
    with pytest.raises(ConfigError, match=r"policy: fps: found 'nothing', expected .* --fps"):
        interface_of(policy, "digest")


def test_lerobots_say_it_in_their_inputs():
    inputs = Inputs("folder", {"observation.images.top": (48, 64)}, 0, 7)
    policy = SimpleNamespace(inputs=inputs, chunk_size=8, n_action_steps=8)
    found = interface_of(policy, "digest", fps=30)
    assert found.cameras == (CameraSpec("top", width=64, height=48),)
    assert (found.state.size, found.action.size, found.reads_task) == (0, 7, False)


def test_a_baseline_does_not_say_what_it_sees():
    with pytest.raises(ConfigError, match="zero: checkpoint: found 'ZeroPolicy'"):
        interface_of(ZeroPolicy(), "d", where="zero")
