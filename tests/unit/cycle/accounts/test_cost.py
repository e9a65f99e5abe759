"""Cost: time at a named price, never a guess."""

from __future__ import annotations

import json

import pytest

from loopyard.core.errors import ConfigError
from loopyard.cycle.accounts.cost import CALLS, Rate, calls_cost, cost_of, rate_of, read_prices
from loopyard.cycle.accounts.timeline import Span, Timeline

RUN = Timeline(
    (
        Span("measure", 0.0, 600.0, True),
        Span("cycle-1/train", 600.0, 3000.0, True),
        Span("cycle-2/train", 3000.0, 3600.0, True),
    )
)


def test_the_parts_sum_up_to_the_hours_at_their_price():
    found = cost_of(RUN, Rate(2.0, "USD", ""), successes=40, promoted=True)
    assert found.machine == pytest.approx(2.0)
    assert found.by_cycle == pytest.approx({1: 2.0 * 2400 / 3600, 2: 2.0 * 600 / 3600})
    assert found.beside + sum(found.by_cycle.values()) == pytest.approx(found.machine)
    assert found.per_success == pytest.approx(0.05)
    assert found.promoted == pytest.approx(2.0)


def test_without_success_nothing_is_divided_and_nothing_promoted():
    found = cost_of(RUN, Rate(2.0, "USD", ""))
    assert (found.per_success, found.promoted) == (None, None)


def test_a_machine_nobody_named_has_no_price():
    assert rate_of() is None


def test_the_price_is_the_users_own_then_their_file_then_the_example(tmp_path):
    own = tmp_path / "prices.yaml"
    own.write_text("date: 2026-01-02\ncurrency: EUR\nmachines: {lab: 0.11}\n")
    assert rate_of("lab", 0.2, own) == Rate(0.2, "USD", "machine_price, lab")
    assert rate_of("lab", None, own) == Rate(0.11, "EUR", f"lab, {own} of 2026-01-02")
    example = rate_of("2-cores")
    assert example is not None
    assert "example" in example.source
    assert read_prices().note


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("machines: {lab: 1}", "date"),
        ("date: 2026-01-02\nmachines: {lab: cheap}", "machines.lab"),
        ("date: 2026-01-02\nmachines: {lab: 1}\nextra: 1", "extra"),
        ("[", "YAML"),
    ],
)
def test_a_price_file_that_is_none_is_named(tmp_path, text, named):
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        rate_of("lab", None, path)
    assert str(path) in str(caught.value)


def test_an_unknown_machine_is_told_which_there_are():
    with pytest.raises(ConfigError, match="2-cores"):
        rate_of("my-laptop")


def test_calls_of_language_models_count_only_where_a_log_of_them_is(tmp_path):
    assert calls_cost(tmp_path) is None
    (tmp_path / CALLS).write_text("".join(json.dumps({"cost": c}) + "\n" for c in (0.25, 0.5)))
    assert calls_cost(tmp_path) == pytest.approx(0.75)
    (tmp_path / CALLS).write_text("{}\n")
    with pytest.raises(ConfigError, match="line 1"):
        calls_cost(tmp_path)
