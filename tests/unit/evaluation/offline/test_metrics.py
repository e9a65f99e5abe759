"""Each metric on predictions that are wrong in a way one can work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopyard.evaluation.offline.metrics import (
    BETTER,
    Collector,
    Measured,
    spread_ratios,
    wasserstein,
)
from loopyard.evaluation.offline.predictions import Predicted

STEPS, CHUNK = 3, 5
LIMITS = np.array([[-1.0, 1.0], [-1.0, 1.0]])


def episode(
    labels: np.ndarray, wrong: np.ndarray | float = 0.0, phases: list[str] | None = None
) -> Predicted:
    """Chunks of (T, 2) labels, each wrong at tick t by what ``wrong`` says for t."""
    length = len(labels)
    at = np.arange(length)[:, None] + np.arange(CHUNK)
    targets = labels[np.minimum(at, length - 1)].astype(np.float32)
    off = np.broadcast_to(np.asarray(wrong, np.float32), (length, 2))
    return Predicted(
        targets + off[np.minimum(at, length - 1)],
        targets,
        at >= length,
        np.ones(length, bool),
        np.array(phases or [""] * length),
    )


def measured(*episodes: Predicted, **settings) -> Measured:
    collector = Collector(["a", "b"], LIMITS, 10, STEPS, **settings)
    for part in episodes:
        collector.add(part)
    return collector.measure()


def wave(length: int = 40) -> np.ndarray:
    tick = np.arange(length)
    return np.stack([np.sin(tick / 4), np.cos(tick / 6)], 1) * 0.9


def test_right_predictions() -> None:
    values = measured(episode(wave())).values
    none = {"loss", "mae", "rmse", "bin_mae", "transition_mae", "distance", "idle_off"}
    assert all(values[name] in (0, None) for name in none)
    assert (values["within"], values["spread"]) == (1.0, pytest.approx(1.0))
    assert values["border_jerk"] == pytest.approx(1.0)
    assert values["phase_mae"] is None
    assert values.keys() | {"gap"} == BETTER.keys()


def test_a_constant_error_is_told_by_channel() -> None:
    found = measured(episode(wave(), np.array([0.3, -0.05])))
    assert found.channels["a"]["mae"] == pytest.approx(0.3, abs=1e-5)
    assert found.channels["b"]["rmse"] == pytest.approx(0.05, abs=1e-5)
    assert found.channels["a"]["distance"] == pytest.approx(0.3, abs=1e-5)
    assert (found.channels["a"]["within"], found.channels["b"]["within"]) == (0, 1)
    assert found.values["within"] == 0
    assert found.values["loss"] == pytest.approx(0.175, abs=1e-5)
    assert measured(episode(wave(), 0.3), tolerance=0.31).values["within"] == 1


def test_rare_labels_and_rare_phases_weigh_as_much_as_frequent_ones() -> None:
    labels = np.zeros((100, 2))
    labels[90:] = 0.9
    wrong = np.where(labels > 0.5, -0.5, 0.0)
    phases = ["drive"] * 90 + ["dump"] * 10
    found = measured(episode(labels, wrong, phases))
    assert found.values["mae"] == pytest.approx(0.05, abs=0.02)
    assert found.values["bin_mae"] == pytest.approx(0.25, abs=0.01)
    # two of the 270 steps that frames of "drive" begin reach into the wrong ones
    assert found.phases["dump"]["mae"] == pytest.approx(0.5, abs=1e-5)
    assert found.values["phase_mae"] == pytest.approx(0.25, abs=0.01)


def test_errors_at_transitions_stand_apart() -> None:
    wrong = np.zeros((60, 2))
    wrong[26:34] = 0.4
    found = measured(episode(wave(60), wrong, ["scan"] * 30 + ["dump"] * 30))
    elsewhere = found.facts["elsewhere_mae"]
    assert (found.values["transition_mae"] or 0) > 0.25
    assert elsewhere is not None
    assert elsewhere < 0.03
    assert found.facts["transition_share"] == pytest.approx(11 / 60, abs=0.01)


def test_a_policy_that_answers_with_the_mean_has_collapsed() -> None:
    labels = wave()
    found = measured(episode(labels, labels.mean(0) - labels))
    assert found.values["spread"] == pytest.approx(0.0, abs=1e-3)
    assert found.channels["a"]["spread"] == pytest.approx(0.0, abs=1e-3)


def test_a_jump_between_chunks_is_seen() -> None:
    labels = wave()
    apart = np.where((np.arange(40) // STEPS % 2)[:, None], 0.2, -0.2)
    part = episode(labels)
    jumping = Predicted(
        part.chunks + apart[:, None].astype(np.float32), *list(vars(part).values())[1:]
    )
    assert (measured(jumping).values["border_jerk"] or 0) > 5
    assert measured(part).facts["border_jerk_per_s2"] == pytest.approx(
        measured(part).facts["label_jerk_per_s2"], rel=1e-4
    )


def test_standing_still_where_the_labels_move() -> None:
    labels = wave()
    values = measured(episode(labels, -labels))
    assert values.values["idle_off"] == pytest.approx(1.0, abs=0.05)
    assert values.facts["idle_share"] == 1.0


def test_frames_without_labels_and_steps_past_the_end_do_not_count() -> None:
    part = episode(wave(20))
    chunks = part.chunks.copy()
    chunks[5] += 9
    chunks[part.is_pad] += 9
    labelled = np.arange(20) != 5
    found = measured(Predicted(chunks, part.targets, part.is_pad, labelled, part.phases))
    assert (found.facts["frames"], found.values["mae"], found.values["loss"]) == (19, 0, 0)


COLUMN = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30)


@settings(deadline=None, max_examples=30)
@given(COLUMN, st.floats(-2, 2), st.randoms())
def test_the_distance_of_distributions(values: list[float], moved: float, random) -> None:
    one = np.array(values)[:, None]
    shuffled = list(values)
    random.shuffle(shuffled)
    other = np.array(shuffled)[:, None] + moved
    assert wasserstein(one, other)[0] == pytest.approx(abs(moved), abs=1e-6)
    assert wasserstein(one, other)[0] == pytest.approx(wasserstein(other, one)[0])


def test_a_channel_that_never_varies_has_no_spread() -> None:
    ratios = spread_ratios(np.array([[0.0, 1], [1, 2]]), np.array([[0.5, 1], [0.5, 5]]))
    assert np.isnan(ratios[0])
    assert ratios[1] == pytest.approx(0.25)
