"""Whose expert drives a world."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.specs import VectorSpec, WorldSpec
from loopyard.experts.registry import make_expert
from loopyard.experts.yard import YardExpert
from loopyard.worlds.registry import make_world


class Plain:
    """A world without an expert."""

    world_spec = WorldSpec("plain:Plain", "", 10, 5, "t", VectorSpec(()), VectorSpec(()), ())


class Follower:
    def act(self, truth: Any) -> np.ndarray:
        return np.zeros(2, np.float32)


class WithClass(Plain):
    Expert = Follower


class WithMaker(Plain):
    def make_expert(self) -> Follower:
        made = Follower()
        made.world = self  # type: ignore[attr-defined]
        return made


def test_the_yard_has_the_built_in_one():
    assert isinstance(make_expert(make_world("yard")), YardExpert)


def test_a_world_brings_its_own_as_a_class():
    assert isinstance(make_expert(WithClass()), Follower)


def test_a_world_makes_its_own_from_itself():
    world = WithMaker()
    assert make_expert(world).world is world  # type: ignore[attr-defined]


def test_a_named_one_comes_first(monkeypatch):
    module = ModuleType("named_experts")
    module.Follower = Follower  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "named_experts", module)
    assert isinstance(make_expert(make_world("yard"), "named_experts:Follower"), Follower)


def test_a_world_without_one_is_told_what_to_do():
    with pytest.raises(ConfigError, match="the world 'plain:Plain' has none; give it a make_exp"):
        make_expert(Plain())


@pytest.mark.parametrize("name", ["no_such_module:Expert", "loopyard.experts.yard:NoSuchClass"])
def test_a_wrong_name_is_told(name):
    with pytest.raises(ConfigError, match="expert: "):
        make_expert(Plain(), name)
