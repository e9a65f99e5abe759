"""The regression behind the boundary, and the box that fails most."""

from __future__ import annotations

import numpy as np
import pytest

from loopyard.core.seeds import stream
from loopyard.evaluation.adversary.boundary import (
    Plane,
    effects,
    find_boundary,
    next_points,
)
from loopyard.evaluation.adversary.failing_box import failing_box, mode_of, save_mode
from loopyard.evaluation.adversary.field import fit_field
from loopyard.evaluation.adversary.trials import Tried
from loopyard.scenarios.registry import open_registry


def tried(units, failures, n=2) -> Tried:
    counts = np.full(len(units), n)
    return Tried(np.array(units), counts, np.array(failures), np.array(failures) / n)


def noisy(count: int, dimensions: int = 2) -> Tried:
    """Failure probability 1 / (1 + exp(-12 (x - 0.5))) along the first parameter."""
    rng = stream("field-test", count, dimensions)
    units = rng.uniform(size=(count, dimensions))
    failures = rng.binomial(2, 1 / (1 + np.exp(-12 * (units[:, 0] - 0.5))))
    return tried(units, failures)


def test_noisy_failures_give_their_rate_and_how_well_it_is_known():
    seen = noisy(120)
    field = fit_field(seen.units, seen.n, seen.failures)
    mean, deviation = field.at(np.array([[0.1, 0.5], [0.5, 0.5], [0.9, 0.5]]))
    assert mean[0] < -1.5 < -0.8 < mean[1] < 0.8 < 1.5 < mean[2]
    far = field.at(np.array([[9.0, 9.0]]))
    assert (far[0][0], far[1][0]) == pytest.approx((0.0, field.amplitude))  # one half, unknown
    assert (deviation < 0.8 * field.amplitude).all()


def test_the_mean_is_where_the_posterior_is_steepest():
    """At the Laplace mode the gradient of the log posterior is zero: f = K (y - n p)."""
    seen = noisy(40)
    field = fit_field(seen.units, seen.n, seen.failures)
    mean, _ = field.at(seen.units)
    slope = seen.failures - seen.n / (1 + np.exp(-mean))
    assert slope == pytest.approx(field._slope, abs=1e-3)


def test_many_points_choose_on_some_and_use_all():
    seen = noisy(700)
    field = fit_field(seen.units, seen.n, seen.failures)
    assert len(field.units) == 700
    assert abs(field.at(np.array([[0.5, 0.5]]))[0][0]) < 0.6


def test_nothing_is_said_where_nothing_was_driven(space_of):
    seen = noisy(60)
    inside = seen.units[:, 0] < 0.6
    part = Tried(*(column[inside] for column in vars(seen).values()))
    space = space_of("a", "b")
    boundary = find_boundary(Plane(space, 0, 1, space.nominal), part)
    middle = boundary.rate[40]
    assert np.isfinite(middle[:40]).all()
    field = fit_field(part.units, part.n, part.failures)
    assert np.isnan(middle[-1]) == (field.reach(np.array([[1.0, 0.5]]))[0] < 1.0)
    assert 0.5 < boundary.known <= 1.0
    assert boundary.decided < boundary.known


def test_the_next_places_are_near_the_boundary_or_unseen(space_of):
    seen = noisy(60)
    space = space_of("a", "b")
    chosen = next_points(Plane(space, 0, 1, space.nominal), seen, 8, each=2)
    assert chosen.shape == (8, 2)
    distance = np.abs(chosen[:, 0] - 0.5)
    assert np.median(distance) < 0.25
    assert len({tuple(point) for point in chosen.tolist()}) == 8


def test_effects_are_told_apart_though_the_search_moved_both():
    """b follows a in what was tried, and does nothing."""
    rng = stream("effects-test")
    a = rng.uniform(size=80)
    units = np.column_stack([a, np.clip(a + rng.normal(0, 0.2, 80), 0, 1)])
    bad = 0.2 + 0.6 * a + rng.normal(0, 0.02, 80)
    strength = effects(Tried(units, np.full(80, 2), np.zeros(80, int), bad))
    assert strength[0] > 0.8
    assert abs(strength[1]) < 0.15


def test_the_failing_box_is_the_failing_corner(space_of, tmp_path):
    space = space_of("a", "b")
    rng = stream("box-test")
    units = rng.uniform(size=(200, 2))
    fails = 2 * ((units[:, 0] > 0.6) & (units[:, 1] > 0.5)).astype(int)
    found = failing_box(space, tried(units, fails))
    assert found is not None
    box, n, failures = found
    assert failures / n >= 0.8
    assert box["a"][0] == pytest.approx(0.6, abs=0.12)
    assert box["b"][0] == pytest.approx(0.5, abs=0.12)
    assert min(box["a"][1], box["b"][1]) > 0.9
    path = tmp_path / "mine.yaml"
    save_mode(mode_of(space, box, "FM-N01", n, failures), path)
    recipe = open_registry(modes=[path])["FM-N01"].worlds[space.base.world]
    assert recipe.draw["a"] == pytest.approx(box["a"], abs=1e-3)
    assert recipe.params == {}


def test_no_box_where_little_failed(space_of):
    rng = stream("no-box-test")
    fails = np.zeros(60, int)
    assert failing_box(space_of("a", "b"), tried(rng.uniform(size=(60, 2)), fails)) is None
