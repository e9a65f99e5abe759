"""Feedback: what a cycle's rollouts say about the failure modes, and what the next cycle samples.

The rule for occurrences. Let L be the lower end of the Wilson 95 % interval of a mode's failure
rate in this cycle's rollouts: as often as that it fails for sure. Its occurrence O (0..10) becomes

    O' = O + (10 - O) * L

so that a mode of which nothing failed, or too little was seen, stays where it was, and one that
always fails approaches 10. Priority and tier follow from it, and the registry keeps the history.

The rule for sampling. With m the failure rate of all modes together and

    f = (failures + EVIDENCE * m) / (rollouts + EVIDENCE)

the failure rate to be expected of one, drawn towards that of all as much as its own drives are few
(Efron and Morris, Journal of the American Statistical Association 70, 1975), a mode is drawn in
proportion to

    SPS ** PRIORITY * f * (1 - f)

Modes that the policy has learned give way, and so do those in which it never succeeds: most is
learned where it sometimes does (sampling for learnability, Rutherford et al., arXiv:2408.15099). No
tier has a fixed share here: a campaign is judged on every mode alike, and with the tiers' shares a
third of the modes were not driven at all in a first cycle of 180 drives.

A new mode. At least FEWEST failures of general scenes that begin alike (a cluster of the diagnosis)
and have a named pattern in common are a mode of their own: FM-N01, FM-N02 and so on.
"""

from __future__ import annotations

from collections.abc import Mapping

from loopyard.evaluation.by_mode import ModeResult
from loopyard.evaluation.diagnosis.clusters import Cluster
from loopyard.evaluation.diagnosis.diagnosis import PATTERNS
from loopyard.evaluation.diagnosis.suite import SuiteDiagnosis
from loopyard.evaluation.statistics import wilson
from loopyard.scenarios.mode import FailureMode, Recipe
from loopyard.scenarios.registry import Registry

PRIORITY = 0.25
"""How much a mode's priority counts in sampling: the gravest is drawn about twice as often as the
least. Drawn in proportion to priority and failures, modes that nobody could do yet took most
drives, and the policy was worse in all modes together than one that had seen every mode alike
(`benchmarks/feedback.py`, 60 against 72 of 128 scenes)."""
EVIDENCE = 8.0
"""So many drives of its own make a mode's failure rate count as much as that of all modes. A cycle
of minutes has one or two drives a mode: what one of them alone did is mostly chance."""
DECIMALS = 2
FEWEST = 3
UNSAFE = "UNSAFE"
SEVERITY, SEVERITY_UNSAFE, DIFFICULTY = 5, 9, 3
"""Of a mode that was found: in the middle of the built-in ones, and as those of function 5."""


def learn(registry: Registry, results: Mapping[str, ModeResult], cycle: int) -> Registry:
    """The registry in which failing modes occur more often: see the module's rule."""
    for id, result in results.items():
        if id not in registry:
            continue
        surely = wilson(result.failures, result.n)[0]
        before = registry[id].occurrence
        after = round(before + (10.0 - before) * surely, DECIMALS)
        if after > before:
            why = f"{result.failures} of {result.n} rollouts failed, at least {surely:.0%}"
            registry = registry.with_occurrence(id, after, cycle=cycle, why=why)
    return registry


def sampling_weights(registry: Registry, results: Mapping[str, ModeResult]) -> dict[str, float]:
    """By mode id, how often it is drawn: see the module's rule. No results: by priority alone."""
    unseen = ModeResult(0, 0, 0)
    found = {mode.id: results.get(mode.id, unseen) for mode in registry.modes}
    failures, n = (sum(getattr(r, name) for r in found.values()) for name in ("failures", "n"))
    everywhere = (failures + 1) / (n + 2)  # the rule of succession: never surely 0 or 1
    weights = {}
    for mode in registry.modes:
        result = found[mode.id]
        fails = (result.failures + EVIDENCE * everywhere) / (result.n + EVIDENCE)
        weights[mode.id] = mode.sps**PRIORITY * fails * (1.0 - fails)
    return weights


def with_found(registry: Registry, diagnosed: SuiteDiagnosis, world: str, cycle: int) -> Registry:
    """The registry and the modes that a cycle's failures in general scenes show.

    A pattern that was found in an earlier cycle is not found again.
    """
    known = {mode.text.split(":")[0] for mode in registry.modes}
    for cluster in diagnosed.clusters:
        members = [diagnosed.rollouts[index].record for index in cluster.members]
        general = [record for record in members if record.scenario.mode is None]
        label = _label(cluster)
        if len(general) < FEWEST or label is None or label in known:
            continue
        known.add(label)
        where = f"about ({cluster.x_m:.1f}, {cluster.y_m:.1f}) m at {cluster.onset_s:.0f} s"
        mode = FailureMode(
            id=registry.new_id(),
            text=f"{label}: begins {where}",
            severity=SEVERITY_UNSAFE if UNSAFE in label else SEVERITY,
            occurrence=round(10.0 * len(members) / max(1, diagnosed.n), DECIMALS),
            difficulty=DIFFICULTY,
            worlds={world: Recipe(params=general[0].scenario.params)},
        )
        why = f"{len(general)} of {diagnosed.n} rollouts failed alike"
        registry = registry.with_found(mode, cycle=cycle, why=why)
    return registry


def _label(cluster: Cluster) -> str | None:
    """The named patterns that most of a cluster has, or None."""
    common = [name for name in PATTERNS if name in cluster.label.split()]
    return " ".join(common) or None
