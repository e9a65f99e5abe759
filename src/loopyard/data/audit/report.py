"""What an audit says: checks, and the verdict that follows from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from loopyard.data.audit.grades import judge

Verdict = Literal["pass", "warn", "fail"]
Part = Literal["integrity", "health", "memorising"]


@dataclass(frozen=True)
class Check:
    """One question and its answer.

    name: the stable word for a defect, "kind" or "kind: subject". where: the file, column or
    episode it is about. episodes: every episode that has the defect, in order; empty where it is
    the dataset's. part: which of the audit's questions it belongs to.
    """

    name: str
    verdict: Verdict
    found: str
    expected: str
    where: str = ""
    part: Part = "integrity"
    episodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class AuditReport:
    """All checks of a dataset. verdict: the worst of theirs."""

    path: str
    checks: list[Check]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        found = {check.verdict for check in self.checks}
        return "fail" if "fail" in found or not found else "warn" if "warn" in found else "pass"

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "verdict": self.verdict,
            "judgement": judge(self.checks).to_dict(),
            "facts": self.facts,
            "checks": [asdict(check) for check in self.checks],
        }
