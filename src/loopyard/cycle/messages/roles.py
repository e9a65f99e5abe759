"""The five roles, and which stage each of them owns."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["Watcher", "DomainExpert", "Developer", "Training", "Evaluation"]
Kind = Literal["REPORT", "REQUEST", "DONE", "BLOCKED", "HANDOFF"]

ROLES: tuple[Role, ...] = get_args(Role)
KINDS: tuple[Kind, ...] = get_args(Kind)

OWNERS: dict[str, Role] = {
    "measure": "Watcher",
    "plan": "Watcher",
    "scenarios": "DomainExpert",
    "lessons": "DomainExpert",
    "data": "Developer",
    "recover": "Developer",
    "audit": "Training",
    "train": "Training",
    "tune": "Training",
    "select": "Evaluation",
    "gate": "Evaluation",
    "diagnose": "Evaluation",
}
"""Who answers for a stage: timeline and gates, scenarios, data, training, evaluation."""


def owner_of(stage: str) -> Role:
    """The role that owns a stage, ``cycle-2/train`` or ``train``; the Watcher owns what is new."""
    return OWNERS.get(stage.rpartition("/")[2], "Watcher")
