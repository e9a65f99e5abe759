"""A gate that looks after every scene and stops when the case is clear.

Asked with `target` and `floor` as the gate at a fixed number of scenes
(`loopyard.evaluation.gate`), it answers, at the first scene at which it can:

    promote        rate >= target, and a true rate of the floor or less is ruled out
    reject         a true rate of the target or more is ruled out
    inconclusive   `n_max` scenes told neither

The promises, whatever the block size and however often one looks, up to `n_max`: with a true rate
of `floor` or less, promotion has a probability of `alpha` at most; with one of `target` or more,
rejection has `beta` at most. They are for scenes drawn independently and taken in an order that
was fixed before; `benchmarks/gate_power.py` measures them, and for scenes of different difficulty.
"""

from __future__ import annotations

from loopyard.core.errors import ConfigError, expected
from loopyard.evaluation.gate import ALPHA, FLOOR, TARGET, Decision, Verdict
from loopyard.evaluation.sequential_boundary import Boundaries, absolute_boundaries
from loopyard.evaluation.statistics import confidence_sequence, wilson


class SequentialGate:
    """Is a policy's success rate good enough? Fed one result after the other.

    n_max: scenes after which it answers at the latest; chosen before the first.
    """

    needs_incumbent = False

    def __init__(
        self,
        n_max: int,
        target: float = TARGET,
        floor: float = FLOOR,
        alpha: float = ALPHA,
        beta: float = ALPHA,
    ) -> None:
        """
        Raises:
            ConfigError: a setting out of range, or too few scenes for the floor ever to be ruled
                out.
        """
        if not 0.0 < floor <= target <= 1.0 or floor == 1.0:
            wanted = "0 < floor <= target <= 1, and floor < 1"
            raise ConfigError(expected("gate", "floor, target", (floor, target), wanted))
        require_error_rate("alpha", alpha)
        require_error_rate("beta", beta)
        require_scenes(n_max, floor, alpha)
        self.n_max, self.target, self.floor = n_max, target, floor
        self.alpha, self.beta = alpha, beta
        self.n = self.successes = 0
        self.verdict: Verdict | None = None

    @property
    def boundaries(self) -> Boundaries:
        """From how many successes or failures on it decides, scene by scene."""
        return absolute_boundaries(self.n_max, self.target, self.floor, self.alpha, self.beta)

    def add(self, success: bool, incumbent: bool | None = None) -> Verdict | None:
        """Takes in the next scene's result; the verdict from the scene on that decides.

        incumbent: not looked at; there so that all gates are fed alike.

        Raises:
            ValueError: it has decided already.
        """
        require_undecided(self.verdict)
        self.n += 1
        self.successes += bool(success)
        bounds = self.boundaries
        if self.successes >= bounds.promote_at[self.n - 1]:
            self._decide("promote", f"a rate of {self.floor:.1%} or less is ruled out")
        elif self.n - self.successes >= bounds.reject_at[self.n - 1]:
            self._decide("reject", f"a rate of {self.target:.1%} or more is ruled out")
        elif self.n == self.n_max:
            self._decide("inconclusive", self._missing())
        return self.verdict

    def _missing(self) -> str:
        least = self.boundaries.promote_at[-1]
        return f"{least} were needed to promote, {self.n - self.boundaries.reject_at[-1]} to reject"

    def _decide(self, decision: Decision, why: str) -> None:
        found = told(self.successes, self.n, self.n_max)
        errors = f"at most {self.alpha:.0%} false promotions, {self.beta:.0%} false rejections"
        self.verdict = Verdict(
            decision,
            f"{found}: {why} ({errors}, wherever it stops)",
            self.n,
            self.successes,
            self.successes / self.n,
            wilson(self.successes, self.n),
            self.target,
            self.floor,
            n_max=self.n_max,
            anytime_95=confidence_sequence(self.successes, self.n),
        )


def told(successes: int, n: int, n_max: int) -> str:
    """The result in words, with the interval that holds wherever a gate stops."""
    low, high = confidence_sequence(successes, n)
    early = f" after {n} of at most {n_max}" if n < n_max else ""
    return (
        f"{successes} of {n} scenes{early} ({successes / n:.1%}, 95 % interval for any "
        f"stopping {low:.1%} to {high:.1%})"
    )


def require_undecided(verdict: Verdict | None) -> None:
    """Raises ValueError where a gate has answered: more scenes cannot change its mind."""
    if verdict is not None:
        raise ValueError(f"gate: found one more result after its verdict {verdict.verdict!r}")


def require_error_rate(name: str, value: float) -> None:
    if not 0.0 < value < 0.5:
        raise ConfigError(expected("gate", name, value, "a number within (0, 0.5)"))


def require_scenes(n_max: int, rate: float, alpha: float) -> None:
    """Raises ConfigError where even unbroken success could not rule out `rate`."""
    needed = 1
    while rate**needed > alpha:
        needed += 1
    if n_max < needed:
        wanted = f"at least {needed}: fewer cannot rule out a rate of {rate:g}"
        raise ConfigError(expected("gate", "n_max", n_max, wanted))
