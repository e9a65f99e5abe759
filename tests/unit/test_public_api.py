"""The public names: all there, each loaded on first use."""

from __future__ import annotations

import importlib

import pytest

import loopyard


def test_every_public_name_has_its_home() -> None:
    for name in loopyard.__all__:
        assert getattr(loopyard, name) is not None


def test_a_name_is_the_one_of_its_module() -> None:
    assert loopyard.Scenario is importlib.import_module("loopyard.core.scenario").Scenario


def test_dir_lists_names_not_loaded_yet() -> None:
    assert set(loopyard.__all__) <= set(dir(loopyard))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'make_wrold'"):
        loopyard.make_wrold  # noqa: B018
