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
    "expert": "Developer",
    "relabel": "Developer",
    "recover": "Developer",
    "audit": "Training",
    "train": "Training",
    "finetune": "Training",
    "select": "Evaluation",
    "gate": "Evaluation",
    "diagnose": "Evaluation",
}
"""Who answers for a stage: timeline and plan, scenarios, data, training, evaluation."""

HANDOFFS: dict[str, Role] = {
    "expert": "Training",
    "relabel": "Training",
    "train": "Evaluation",
    "select": "DomainExpert",
    "gate": "Watcher",
}
"""To whom the work goes on when a stage is done, where that is another role."""


def owner_of(stage: str) -> Role:
    """The role that owns a stage; the Watcher where it has no owner."""
    return OWNERS.get(stage, "Watcher")
