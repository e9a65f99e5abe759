"""What each step of a campaign leaves behind, for the event that says it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loopyard.cycle.step_name import stage_of
from loopyard.store.artifacts import seal

Facts = Mapping[str, Any]


def sealed_products(run: Path, step: str, facts: Facts) -> dict[str, str]:
    """{path below ``run``: digest} of what a step made, each whole and durable.

    Raises:
        StoreError, NoSpaceError: it cannot be sealed.
    """
    return seal(run, [path for path in _products(run, step, facts) if path.exists()])


def _products(run: Path, step: str, facts: Facts) -> list[Path]:
    stage, cycle = stage_of(step)
    if cycle is None:
        return [run / f"{stage}.json"]
    folder = run / f"cycles/{cycle:02d}"
    stage, _, of = stage.partition(" ")
    make = STAGES.get(stage)
    return [] if make is None else make(folder, {**facts, "of": of, "run": run})


def told_from(folder: Path, value: Any) -> Any:
    """A JSON value in which every path below ``folder`` is told from there, so that it holds when
    all of it is moved."""
    if isinstance(value, str):
        return value.replace(f"{folder}/", "")
    if isinstance(value, Mapping):
        return {name: told_from(folder, part) for name, part in value.items()}
    return [told_from(folder, part) for part in value] if isinstance(value, list) else value


def _audit(folder: Path, facts: Facts) -> list[Path]:
    dataset = facts["of"].removesuffix("again").strip()
    return [folder / (f"audit-{dataset}.json" if dataset else "audit.json")]


def _suite(folder: Path, suite: str) -> list[Path]:
    """A suite's files and folders; ``gate-incumbent`` is part of ``gate``."""
    rollouts = folder / "rollouts"
    files = [*rollouts.glob(f"{suite}.json*"), *rollouts.glob(f"{suite}-*.json*")]
    folders = [path for path in rollouts.glob(f"*/{suite}-*") if path.is_dir()]
    return sorted(files) + sorted(folders)


def _select(folder: Path, facts: Facts) -> list[Path]:
    """The drives, and the checkpoint that goes on where it is not the training's last one."""
    chosen = facts.get("checkpoint", "last")
    return [
        *([folder / "checkpoints" / chosen] if chosen != "last" else []),
        *_suite(folder, "select"),
    ]


def _gate(folder: Path, facts: Facts) -> list[Path]:
    return [*_suite(folder, "gate"), *(facts["run"] / name for name in facts.get("videos", []))]


STAGES: Mapping[str, Callable[[Path, Facts], list[Path]]] = {
    "expert": lambda folder, facts: [folder / facts.get("dataset", "dataset")],
    "relabel": lambda folder, facts: [folder / "dataset", *_suite(folder, "learn")],
    "recover": lambda folder, facts: [folder / "recovery"] if facts.get("episodes") else [],
    "audit": _audit,
    "train": lambda folder, facts: [folder / "checkpoints/last", folder / "checkpoints/best"],
    "select": _select,
    "gate": _gate,
}
