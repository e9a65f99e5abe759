"""Values typed as text."""

from __future__ import annotations

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.values import put, yaml_value, yaml_values


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("null", None), ("[1, 2]", [1, 2]), ("ego", "ego")],
)
def test_text_is_what_yaml_says(text, value):
    assert yaml_value(text, "--set", "name") == value


def test_what_is_no_yaml_is_named_in_one_line():
    with pytest.raises(ConfigError) as caught:
        yaml_values({"bricks": "[2"}, "--params")
    assert str(caught.value).startswith("--params: bricks: found '[2', expected a value in YAML: ")
    assert "\n" not in str(caught.value)


def test_put_makes_the_sections_on_its_way():
    settings = {"train": None, "seed": 1}
    put(settings, "train.augmentation.shift_px", 2, "--set")
    put(settings, "seed", 3, "--set")
    assert settings == {"train": {"augmentation": {"shift_px": 2}}, "seed": 3}


def test_put_does_not_reach_into_values():
    with pytest.raises(ConfigError, match=r"--set: seed\.deep\.er: 'seed' is a value"):
        put({"seed": 3}, "seed.deep.er", 1, "--set")
