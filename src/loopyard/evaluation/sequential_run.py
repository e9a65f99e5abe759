"""Drives scenes block by block until a gate has decided."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from loopyard.core.errors import ConfigError, expected
from loopyard.core.machine import usable_cores
from loopyard.core.scenario import Scenario
from loopyard.core.seeds import stream
from loopyard.evaluation.evaluate import LOCKSTEP, evaluate
from loopyard.evaluation.gate import Verdict, require_gate_seeds
from loopyard.evaluation.record import RolloutRecord
from loopyard.evaluation.result import Evaluation
from loopyard.executors.executor import Executor
from loopyard.policies.policy import Policy

Scene = tuple[Scenario, int]
Item = TypeVar("Item")

INCUMBENT = "incumbent"


class Gate(Protocol):
    """What decides, fed one scene after the other: see `loopyard.evaluation.sequential`."""

    needs_incumbent: bool
    n_max: int
    verdict: Verdict | None

    def add(self, success: bool, incumbent: bool | None) -> Verdict | None: ...


@dataclass(frozen=True)
class Judged:
    """A verdict, and all drives that were made for it.

    result, incumbent: every scene driven, which is up to a block more than the verdict's ``n``.
    """

    verdict: Verdict
    result: Evaluation
    incumbent: Evaluation | None = None


def evaluate_until(
    policy: Policy | str | Path,
    scenes: Sequence[Scene],
    gate: Gate,
    *,
    against: Policy | str | Path | None = None,
    out: str | Path | None = None,
    suite: str = "gate",
    block: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    videos: int = 0,
    on_result: Callable[[RolloutRecord], None] | None = None,
    on_incumbent: Callable[[RolloutRecord], None] | None = None,
    **execution: Any,
) -> Judged:
    """Drives `policy`, and `against` on the same scenes, until `gate` has decided.

    The scenes are taken in one fixed order, the failure modes spread evenly over it
    (`spread_evenly`), and the gate is fed in that order, whichever drive ended first: its verdict
    does not depend on blocks, workers or interruptions. Workers are started anew for each block.

    scenes: exactly as many as ``gate.n_max``, from the gate's seeds.
    out: a folder, as for `evaluate`; the same call again goes on from there. The incumbent's
    drives are kept beside, in ``<suite>-incumbent.jsonl``.
    block: scenes between two looks; one for each of all workers' worlds unless said.
    executor: runs the drives in place of ``workers`` processes.
    execution: settings of `evaluate` for the policy (``n_action_steps``, ``lockstep``, ...); the
    incumbent drives as its checkpoint says.

    Raises:
        ConfigError: seeds to train or select on, a number of scenes that is not the gate's, an
            incumbent missing or not asked for, or an in-memory policy without a digest and `out`.
        CheckpointError, WorldError, Interrupted: as `evaluate`.
    """
    _check(policy, scenes, gate, against, out, block)
    lockstep = execution.pop("lockstep", LOCKSTEP)
    cores = usable_cores() if workers is None else max(1, workers)
    size = block or (executor.workers if executor else cores) * lockstep
    settings: dict[str, Any] = {
        "out": out,
        "workers": workers,
        "executor": executor,
        "lockstep": lockstep,
    }
    ours = _Driven(policy, {**settings, **execution, "suite": suite, "on_result": on_result})
    theirs = None
    if against is not None:
        beside = {**settings, "suite": f"{suite}-{INCUMBENT}", "on_result": on_incumbent}
        theirs = _Driven(against, beside)
    ordered = spread_evenly(scenes)
    for start in range(0, len(ordered), size):
        some = ordered[start : start + size]
        drives = ours.drive(some)
        others = theirs.drive(some) if theirs else [None] * len(some)
        for success, other in zip(drives, others, strict=True):
            if gate.add(success, other) is not None:
                break
        if gate.verdict is not None:
            break
    assert gate.verdict is not None  # a gate decides at n_max at the latest
    return Judged(gate.verdict, ours.close(videos), theirs.close(0) if theirs else None)


class _Driven:
    """One policy's drives so far."""

    def __init__(self, policy: Policy | str | Path, settings: dict[str, Any]) -> None:
        self._policy, self._settings = policy, settings
        self._scenes: list[Scene] = []
        self._parts: list[Evaluation] = []

    def drive(self, scenes: Sequence[Scene]) -> list[bool]:
        part = evaluate(self._policy, scenes=scenes, **self._settings)
        self._scenes += scenes
        self._parts.append(part)
        return [record.outcome.success for record in part.records]

    def close(self, videos: int) -> Evaluation:
        """All of them as one; with a folder, its summary and films too."""
        whole = replace(
            self._parts[0],
            records=tuple(record for part in self._parts for record in part.records),
            wall_s=sum(part.wall_s for part in self._parts),
            reused=sum(part.reused for part in self._parts),
        )
        if self._settings["out"] is None:
            return whole
        quiet = {**self._settings, "on_result": None, "videos": videos}
        # Nothing is left to drive: this writes the summary of all blocks, not of the last.
        filmed = evaluate(self._policy, scenes=self._scenes, **quiet)
        return replace(whole, records=filmed.records)


def spread_evenly(scenes: Sequence[Scene]) -> list[Scene]:
    """The scenes in an order whose every stretch is, as nearly as can be, a small likeness of all.

    Failure modes are mixed in proportion, and so are the scenarios within each; where in its share
    of the order a scene comes is drawn, the same in every call. Scenes of one scenario keep their
    order. A gate that stops early has then not seen the easy modes alone.
    """
    by_mode = _grouped(scenes, lambda scene: scene[0].mode)
    mixed = [
        _mixed(_grouped(own, lambda scene: scene[0].digest), f"scenarios of {mode}")
        for mode, own in by_mode.items()
    ]
    return _mixed(dict(enumerate(mixed)), "modes")


def _grouped(items: Sequence[Item], key: Callable[[Item], Hashable]) -> dict[Any, list[Item]]:
    groups: dict[Any, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _mixed(groups: dict[Any, list[Item]], name: str) -> list[Item]:
    """Each group's items at even distances from the first to the last place, with a jitter."""
    rng = stream("order of a gate's scenes", name)
    placed = [
        ((index + float(rng.random())) / len(group), item)
        for group in groups.values()
        for index, item in enumerate(group)
    ]
    return [item for _, item in sorted(placed, key=lambda pair: pair[0])]


def _check(
    policy: Policy | str | Path,
    scenes: Sequence[Scene],
    gate: Gate,
    against: Policy | str | Path | None,
    out: str | Path | None,
    block: int | None,
) -> None:
    require_gate_seeds((seed for _, seed in scenes), "evaluate_until")
    if len(scenes) != gate.n_max:
        wanted = f"{gate.n_max}, the gate's n_max"
        raise ConfigError(expected("evaluate_until", "scenes", len(scenes), wanted))
    if gate.needs_incumbent != (against is not None):
        wanted = "an incumbent" if gate.needs_incumbent else "None, as the gate compares nothing"
        raise ConfigError(expected("evaluate_until", "against", against, wanted))
    if block is not None and block < 1:
        raise ConfigError(expected("evaluate_until", "block", block, "1 or more scenes"))
    for driver in (policy, against):
        named = driver is None or isinstance(driver, str | Path)
        if out is not None and not named and not _has_name(driver):
            wanted = "one with a path or a digest, to find its drives again in 'out'"
            raise ConfigError(expected("evaluate_until", "policy", type(driver).__name__, wanted))


def _has_name(policy: Any) -> bool:
    return bool(getattr(policy, "path", None) or getattr(policy, "digest", None))
