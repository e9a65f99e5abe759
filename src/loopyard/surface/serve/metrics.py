"""What a policy server counts: as one map for programs, and as Prometheus reads it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

import numpy as np

KEPT = 10_000
"""Latencies are told of so many last answers."""
QUANTILES = (0.5, 0.95, 0.99)
LATE, MALFORMED, FAILED = "late", "malformed", "failed"
KINDS = (LATE, MALFORMED, FAILED)
"""Why an answer is the safe one: no action in time, an observation (or message) that cannot be
shown to the policy, a policy that failed or gave what is no number."""


class Metrics:
    """Counts since the start. Latency: from a frame's arrival to its answer, ready to be sent."""

    def __init__(self) -> None:
        self.clients = 0
        self.counts: Counter[str] = Counter()
        self._latency_s: deque[float] = deque(maxlen=KEPT)
        self._pass_s: deque[float] = deque(maxlen=KEPT)
        self._largest = 0

    def answered(self, kind: str, latency_s: float) -> None:
        """An observation got its answer. kind: "" for the policy's action, else why it is safe."""
        self.counts["observations"] += 1
        self.counts[kind or "actions"] += 1
        if not kind:
            self._latency_s.append(latency_s)

    def passed(self, rows: int, seconds: float) -> None:
        """A forward pass over so many observations."""
        self.counts["passes"] += 1
        self.counts["predicted"] += rows
        self._pass_s.append(seconds)
        self._largest = max(self._largest, rows)

    def to_dict(self) -> dict[str, Any]:
        passes = self.counts["passes"]
        return {
            "clients": self.clients,
            **{name: self.counts[name] for name in ("connections", "refused")},
            **{name: self.counts[name] for name in ("observations", "actions", *KINDS)},
            "passes": passes,
            "batch_mean": round(self.counts["predicted"] / passes, 3) if passes else 0.0,
            "batch_max": self._largest,
            "latency_ms": _quantiles_ms(self._latency_s),
            "pass_ms": _quantiles_ms(self._pass_s),
        }

    def prometheus(self) -> str:
        """The text exposition format, version 0.0.4."""
        name, told = "loopyard_serve", self.to_dict()
        lines = [f"# TYPE {name}_clients gauge", f"{name}_clients {told['clients']}"]
        for counted in ("connections", "refused", "observations", "passes"):
            lines += [f"# TYPE {name}_{counted}_total counter"]
            lines += [f"{name}_{counted}_total {told[counted]}"]
        lines += [f"# TYPE {name}_answers_total counter"]
        for kind in ("actions", *KINDS):
            label = "action" if kind == "actions" else kind
            lines += [f'{name}_answers_total{{kind="{label}"}} {told[kind]}']
        lines += [f"# TYPE {name}_batch_max gauge", f"{name}_batch_max {told['batch_max']}"]
        lines += [f"# TYPE {name}_predicted_total counter"]
        lines += [f"{name}_predicted_total {self.counts['predicted']}"]
        for part in ("latency", "pass"):
            lines += [f"# TYPE {name}_{part}_seconds gauge"]
            for quantile, value in zip(QUANTILES, told[f"{part}_ms"].values(), strict=True):
                if value is not None:
                    lines += [f'{name}_{part}_seconds{{quantile="{quantile}"}} {value / 1e3:.6f}']
        return "\n".join(lines) + "\n"


def _quantiles_ms(seconds: Iterable[float]) -> dict[str, float | None]:
    values = np.fromiter(seconds, float)
    names = [f"p{round(100 * quantile)}" for quantile in QUANTILES]
    if not len(values):
        return dict.fromkeys(names)
    found = 1e3 * np.quantile(values, QUANTILES)
    return {name: round(float(value), 3) for name, value in zip(names, found, strict=True)}
