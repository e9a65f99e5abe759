"""How many ticks after an action does the robot move? Cross-correlation, with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from loopyard.core.specs import ACTION_KEY
from loopyard.data.audit.drives import Drives, drives_of, enough_of
from loopyard.data.audit.report import Check
from loopyard.data.audit.smoothness import WRAP
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset

REACH = 10
"""Ticks looked at to either side."""
EPISODES = 200
"""Of the numbers; enough that the bootstrap's spread is far below a tick."""
FILMED, FILMED_FRAMES = 12, 120
"""Episodes and frames of each that are decoded where no state follows the action."""
RESAMPLES = 200


@dataclass(frozen=True)
class Lag:
    """ticks: of the peak, between ticks by a parabola. spread: two standard deviations over
    episodes (bootstrap). curve: |correlation| at lags -REACH..REACH. what: the pair it is of."""

    ticks: float
    spread: float
    curve: np.ndarray
    what: str

    @property
    def peak(self) -> float:
        return float(self.curve.max())

    @property
    def inside(self) -> bool:
        """Whether the peak is one, and not the window's end."""
        return 0 < int(self.curve.argmax()) < len(self.curve) - 1


def check_lag(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """The action of tick t should show in the step from state t to state t + 1: lag 0.

    Of all pairs of an action channel (as velocity: its value; as position: its step) with the step
    of a state channel, the one with the highest correlation tells. Where none correlates, the
    change of the picture stands for the state.
    """
    drives = drives_of(dataset, limits)
    wanted = f"within {limits.lag_warn:g} of 0"
    if too_few := drives.too_few(limits):
        yield Check("lag", "pass", too_few, enough_of(limits), ACTION_KEY, "health")
        return
    lag = _of_state(drives)
    if lag is None or lag.peak < limits.lag_correlation:
        lag = _of_pictures(dataset, drives) or lag
    if lag is None or lag.peak < limits.lag_correlation or not lag.inside:
        found = "cannot be told: nothing that moves follows an action"
        yield Check("lag", "pass", found, wanted, ACTION_KEY, "health")
        return
    drives.measured["lag"] = {
        "ticks": lag.ticks,
        "spread": round(lag.spread, 2),
        "pair": lag.what,
        "lags": list(range(-REACH, REACH + 1)),
        "correlation": [round(float(value), 4) for value in lag.curve],
    }
    told = f"2 sd {lag.spread:.1f}; correlation {lag.peak:.2f}, {lag.what}"
    late = abs(lag.ticks) - lag.spread > limits.lag_warn
    yield Check(
        "lag",
        "warn" if late else "pass",
        f"{round(lag.ticks, 1) + 0.0:+.1f} ticks ({told})",
        wanted,
        ACTION_KEY,
        "health",
    )


def _of_state(drives: Drives) -> Lag | None:
    names = drives.spec.action.names
    moving = np.flatnonzero(np.ptp(drives.state, axis=0) > 0)
    turn = np.ptp(drives.state[:, moving], axis=0)
    pairs = []
    every = max(1, drives.episodes // EPISODES)
    for part in drives.slices[::every]:
        change = np.diff(drives.state[part][:, moving], axis=0)
        change -= np.where(np.abs(change) > WRAP * turn, np.sign(change) * turn, 0.0)
        drive = drives.executed[part]
        pairs.append((_velocity_and_step(drive)[: len(change)], change))
    told = [*names, *(f"step of {name}" for name in names)]
    return _best(pairs, told, [drives.spec.state.names[i] for i in moving])


def _velocity_and_step(drive: np.ndarray) -> np.ndarray:
    """(T, 2 A): the action as it is, and its step since the tick before (0 at the first)."""
    return np.hstack([drive, np.diff(drive, axis=0, prepend=drive[:1])])


def _of_pictures(dataset: Dataset, drives: Drives) -> Lag | None:
    if not dataset.spec.cameras:
        return None
    camera = dataset.spec.cameras[0]
    pairs = []
    chosen = np.unique(np.linspace(0, drives.episodes - 1, FILMED).astype(int))
    for place in chosen:
        motion = _motion(dataset, camera.key, int(drives.indices[place]))
        drive = np.abs(_velocity_and_step(drives.executed[drives.slices[place]]))[: len(motion)]
        pairs.append(
            (
                np.hstack([drive, drive[:, : drives.action.shape[1]].sum(1, keepdims=True)]),
                motion[: len(drive), None],
            )
        )
    names = drives.spec.action.names
    told = [*names, *(f"step of {name}" for name in names), "all actions"]
    return _best(pairs, told, [f"motion in {camera.name}"])


def _motion(dataset: Dataset, camera: str, episode: int) -> np.ndarray:
    """(T - 1,) mean change of brightness from each frame to the next, of the first frames."""
    change, before = [], None
    for frame in islice(dataset.frames(camera, episode), FILMED_FRAMES):
        grey = frame[::4, ::4].mean(axis=2)
        if before is not None:
            change.append(float(np.abs(grey - before).mean()))
        before = grey
    return np.array(change)


def _best(
    pairs: list[tuple[np.ndarray, np.ndarray]], causes: list[str], effects: list[str]
) -> Lag | None:
    """The pair of channels with the highest correlation at any lag.

    pairs: of each episode (T, U) causes and (T, V) effects, tick by tick.
    """
    pairs = [(u, v) for u, v in pairs if len(u) > 2 * REACH]
    if not pairs or not effects:
        return None
    mean_u = np.concatenate([u for u, _ in pairs]).mean(axis=0)
    mean_v = np.concatenate([v for _, v in pairs]).mean(axis=0)
    pairs = [(u - mean_u, v - mean_v) for u, v in pairs]
    products = np.array([_products(u, v) for u, v in pairs])  # (E, lags, U, V)
    power_u = np.array([(u**2).sum(axis=0) for u, _ in pairs])
    power_v = np.array([(v**2).sum(axis=0) for _, v in pairs])
    norm = np.sqrt(np.outer(power_u.sum(axis=0), power_v.sum(axis=0)))
    curves = np.abs(products.sum(axis=0)) / np.where(norm > 1e-12, norm, np.inf)
    _, cause, effect = np.unravel_index(int(curves.argmax()), curves.shape)
    own = products[:, :, cause, effect]
    sign = np.sign(own.sum(axis=0)[int(curves[:, cause, effect].argmax())])
    draws = np.random.default_rng(0).multinomial(len(own), [1 / len(own)] * len(own), RESAMPLES)
    peaks = [_peak(curve) for curve in sign * (draws @ own)]
    return Lag(
        round(_peak(sign * own.sum(axis=0)), 2) + 0.0,  # no -0.0
        2 * float(np.std(peaks)),
        curves[:, cause, effect],
        f"{causes[cause]} on {effects[effect]}",
    )


def _products(cause: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """(2 REACH + 1, U, V): sum over t of cause[t] effect[t + lag]."""
    count = len(cause)
    return np.array(
        [
            cause[max(0, -lag) : count - max(0, lag)].T @ effect[max(0, lag) : count - max(0, -lag)]
            for lag in range(-REACH, REACH + 1)
        ]
    )


def _peak(curve: np.ndarray) -> float:
    """Where the curve is highest, in ticks; between them by the parabola through three points."""
    top = int(curve.argmax())
    if not 0 < top < len(curve) - 1:
        return float(top - REACH)
    before, at, after = curve[top - 1 : top + 2]
    bend = before - 2 * at + after
    return top - REACH + (0.5 * (before - after) / bend if bend < 0 else 0.0)
