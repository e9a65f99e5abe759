"""Many runs of the gates at once, on drawn results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loopyard.evaluation.paired import FUTILITY_EVERY, PairedGate, is_futile
from loopyard.evaluation.sequential_boundary import Boundaries

CHECKED = 100
"""Runs that are fed to the gate itself as well, which must say the same."""

PROMOTE, REJECT, OPEN = 1, -1, 0


@dataclass(frozen=True)
class Runs:
    """decision: (R,) 1 promoted, -1 rejected, 0 inconclusive; scenes: (R,) until then."""

    decision: np.ndarray
    scenes: np.ndarray

    @property
    def promoted(self) -> int:
        return int((self.decision == PROMOTE).sum())

    @property
    def rejected(self) -> int:
        return int((self.decision == REJECT).sum())

    @property
    def mean_scenes(self) -> float:
        return float(self.scenes.mean())


def absolute_runs(success: np.ndarray, bounds: Boundaries) -> Runs:
    """success: (R, N) bool."""
    n = np.arange(1, bounds.n_max + 1)
    good = success.cumsum(1)
    up = good >= np.array(bounds.promote_at)
    crossed = up | (n - good >= np.array(bounds.reject_at))
    first = np.where(crossed.any(1), crossed.argmax(1), bounds.n_max - 1)
    rows = np.arange(len(success))
    decision = np.where(up[rows, first], PROMOTE, np.where(crossed[rows, first], REJECT, OPEN))
    return Runs(decision, first + 1)


def paired_runs(
    won: np.ndarray, lost: np.ndarray, alpha: float, futility: Sequence[float]
) -> dict[float, Runs]:
    """won, lost: (R, N) bool. The same drawn results with each futility threshold."""
    n_max = won.shape[1]
    wins, losses = won.cumsum(1), lost.cumsum(1)
    decision, scenes = _crossings(won | lost, wins, losses, alpha)
    found = {}
    looks = np.arange(FUTILITY_EVERY, n_max, FUTILITY_EVERY)
    for futile in futility:
        given_up = _given_up(wins, losses, scenes, alpha, futile)
        first = np.where(given_up.any(1), looks[given_up.argmax(1)], n_max + 1)
        stops = first < scenes
        runs = Runs(np.where(stops, OPEN, decision), np.where(stops, first, scenes))
        _check(won, lost, alpha, futile, runs)
        found[futile] = runs
    return found


def _crossings(
    differ: np.ndarray, wins: np.ndarray, losses: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Decision and scene by the boundary alone, each run with the boundary of its own places."""
    reps, n_max = differ.shape
    decision, scenes = np.zeros(reps, int), np.full(reps, n_max)
    alive, spent = np.zeros((reps, n_max + 1)), np.zeros(reps)
    alive[:, 0] = 1.0
    pending = np.ones(reps, bool)
    for n in range(1, n_max + 1):
        rows = np.flatnonzero(pending & differ[:, n - 1])
        width = int((wins + losses)[rows, n - 1].max(initial=0)) + 1
        some = alive[rows, :width] / 2
        some[:, 1:] += some[:, :-1].copy()
        alive[rows, :width] = some
        if n == n_max:
            rows = np.flatnonzero(pending)
            width = n_max + 1
        some = alive[rows, :width]
        fits = some[:, ::-1].cumsum(1) <= (alpha * n / n_max - spent[rows])[:, None]
        least = width - fits.sum(1)
        crossed = np.arange(width) >= least[:, None]
        spent[rows] += np.where(crossed, some, 0.0).sum(1)
        alive[rows, :width] = np.where(crossed, 0.0, some)
        up, down = wins[rows, n - 1] >= least, losses[rows, n - 1] >= least
        decision[rows[up]], decision[rows[down & ~up]] = PROMOTE, REJECT
        scenes[rows[up | down]] = n
        pending[rows[up | down]] = False
    return decision, scenes


def _given_up(
    wins: np.ndarray, losses: np.ndarray, scenes: np.ndarray, alpha: float, futile: float
) -> np.ndarray:
    """(R, looks) bool: from which look at the prospects on it is given up, if still undecided."""
    reps, n_max = wins.shape
    looks = range(FUTILITY_EVERY, n_max, FUTILITY_EVERY)
    given_up = np.zeros((reps, len(looks)), bool)
    pending = np.full(reps, futile > 0.0)
    for place, n in enumerate(looks):
        rows = np.flatnonzero(pending & (scenes > n))
        if len(rows) == 0:
            break
        states = np.stack([wins[rows, n - 1], losses[rows, n - 1]], axis=1)
        unique, back = np.unique(states, axis=0, return_inverse=True)
        ends = np.array([is_futile(n, n_max, int(w), int(f), alpha, futile) for w, f in unique])
        given_up[rows, place] = ends[back.ravel()]
        pending[rows] = ~given_up[rows, place]
    return given_up


def _check(won: np.ndarray, lost: np.ndarray, alpha: float, futile: float, runs: Runs) -> None:
    names = {PROMOTE: "promote", REJECT: "reject", OPEN: "inconclusive"}
    for run in range(min(CHECKED, len(won))):
        gate = PairedGate(won.shape[1], alpha, futile)
        for win, loss in zip(won[run], lost[run], strict=True):
            if gate.add(not loss, not win):
                break
        assert gate.verdict is not None
        found = (names[int(runs.decision[run])], int(runs.scenes[run]))
        assert (gate.verdict.verdict, gate.verdict.n) == found, (run, futile, gate.verdict, found)
