"""Challenger against incumbent on the same scenes, with a look after each of them.

    promote        the challenger is better: won scenes rule out that both are equally good
    reject         the challenger is worse, by the same measure
    inconclusive   neither after `n_max` scenes, or no prospect of an answer any more (futility)

Only scenes that one of the two succeeds on and the other does not tell anything (McNemar). The
promise, up to `n_max` and however often one looks: when the challenger is not better, promotion
has a probability of `alpha` at most; when it is not worse, rejection has. A draw keeps the
incumbent, so an equal challenger is nearly always inconclusive, and the gate gives up early when
promotion has become unlikely. That costs power, told in docs/evaluate-and-judge.md, and no error.
A challenger that is about to be proven worse is driven on to that: it is a lesson.
"""

from __future__ import annotations

from loopyard.evaluation.gate import ALPHA, Decision, Verdict
from loopyard.evaluation.paired_boundary import DifferenceBoundary, chance_to_promote
from loopyard.evaluation.sequential import (
    SequentialGate,
    require_error_rate,
    require_scenes,
    require_undecided,
)
from loopyard.evaluation.statistics import Paired, confidence_sequence, mcnemar_exact, wilson

FUTILE = 0.02
"""Below this chance to be promoted by the end, a comparison is given up: by simulation, that leaves
the power of the fixed number of scenes and saves half of them where both are equal."""

PROVABLY_WORSE = 0.5
"""From this chance on to be rejected by the end, it is not."""

FUTILITY_EVERY = 10
"""Scenes between two looks at the prospects, which cost more than a look at the boundary."""


def is_futile(n: int, n_max: int, wins: int, losses: int, alpha: float, futile: float) -> bool:
    """No prospect of a promotion by `n_max`, nor a good one of a rejection."""
    return (
        futile > 0.0
        and chance_to_promote(n, n_max, wins, losses, alpha) < futile
        and chance_to_promote(n, n_max, losses, wins, alpha) < PROVABLY_WORSE
    )


class PairedGate:
    """Is the challenger better than the incumbent? Fed both results, scene after scene."""

    needs_incumbent = True

    def __init__(self, n_max: int, alpha: float = ALPHA, futile: float = FUTILE) -> None:
        """futile: give up below this chance of promotion; 0 for never.

        Raises:
            ConfigError: a setting out of range, or so few scenes that nothing could be told.
        """
        require_error_rate("alpha", alpha)
        require_scenes(n_max, 0.5, alpha)
        self.n_max, self.alpha, self.futile = n_max, alpha, futile
        self.n = self.successes = self.wins = self.losses = 0
        self.verdict: Verdict | None = None
        self._boundary = DifferenceBoundary(n_max, alpha)

    def add(self, success: bool, incumbent: bool | None) -> Verdict | None:
        """Takes in both results of the next scene; the verdict from the scene on that decides.

        Raises:
            ValueError: it has decided already, or the incumbent's result is missing.
        """
        require_undecided(self.verdict)
        if incumbent is None:
            raise ValueError("gate: found no result of the incumbent, expected one a scene")
        self.n += 1
        self.successes += bool(success)
        if bool(success) != bool(incumbent):
            self.wins += bool(success)
            self.losses += bool(incumbent)
            self._boundary.differ()
            self._look()
        elif self.n == self.n_max:
            self._look()
        if self.verdict is None:
            self._give_up()
        return self.verdict

    def _look(self) -> None:
        least = self._boundary.least(self.n)
        if self.wins >= least:
            self._decide("promote", "better than the incumbent")
        elif self.losses >= least:
            self._decide("reject", "worse than the incumbent")

    def _give_up(self) -> None:
        if self.n == self.n_max:
            self._decide("inconclusive", "no evidence that it is better, the incumbent stays")
        elif self.n % FUTILITY_EVERY == 0 and is_futile(
            self.n, self.n_max, self.wins, self.losses, self.alpha, self.futile
        ):
            why = f"a promotion by scene {self.n_max} has become unlikely"
            self._decide("inconclusive", f"{why}, the incumbent stays")

    def _decide(self, decision: Decision, why: str) -> None:
        paired = Paired(self.n, self.wins, self.losses, mcnemar_exact(self.wins, self.losses))
        early = f" of at most {self.n_max}" if self.n < self.n_max else ""
        reason = (
            f"against the incumbent on {self.n}{early} shared scenes: {self.wins} won, "
            f"{self.losses} lost: {why} (at most {self.alpha:.0%} false promotions, wherever "
            "it stops)"
        )
        self.verdict = Verdict(
            decision,
            reason,
            self.n,
            self.successes,
            self.successes / self.n,
            wilson(self.successes, self.n),
            None,
            None,
            paired,
            self.n_max,
            confidence_sequence(self.successes, self.n),
        )


class ChallengerGate:
    """Both questions on the same scenes: good enough, and better than the incumbent?

    Promotes when both gates have, at whatever scene each did; rejects when one does; else as soon
    as one of them is inconclusive. A false promotion must pass both, so its probability stays
    within the `alpha` of each.
    """

    needs_incumbent = True

    def __init__(self, absolute: SequentialGate, paired: PairedGate) -> None:
        self.absolute, self.paired = absolute, paired
        self.n_max = max(absolute.n_max, paired.n_max)
        self.n = self.successes = 0
        self.verdict: Verdict | None = None

    def add(self, success: bool, incumbent: bool | None) -> Verdict | None:
        """Takes in both results of the next scene; the verdict from the scene on that decides.

        Raises:
            ValueError: it has decided already, or the incumbent's result is missing.
        """
        require_undecided(self.verdict)
        self.n += 1
        self.successes += bool(success)
        gates = (self.absolute, self.paired)
        for gate in gates:
            if gate.verdict is None:
                gate.add(success, incumbent)
        found = [gate.verdict for gate in gates if gate.verdict is not None]
        for decision in ("reject", "inconclusive"):
            deciding = [verdict for verdict in found if verdict.verdict == decision]
            if deciding:
                self._decide(decision, [verdict.reason for verdict in deciding])
                return self.verdict
        if len(found) == len(gates):
            self._decide("promote", [verdict.reason for verdict in found])
        return self.verdict

    def _decide(self, decision: Decision, reasons: list[str]) -> None:
        wins, losses = self.paired.wins, self.paired.losses
        self.verdict = Verdict(
            decision,
            "; ".join(reasons),
            self.n,
            self.successes,
            self.successes / self.n,
            wilson(self.successes, self.n),
            self.absolute.target,
            self.absolute.floor,
            Paired(self.paired.n, wins, losses, mcnemar_exact(wins, losses)),
            self.n_max,
            confidence_sequence(self.successes, self.n),
        )
