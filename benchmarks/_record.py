"""Keeps what a benchmark found, with the machine it ran on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loopyard.core.machine import describe_machine

RESULTS = Path(__file__).parent / "results"


def record(name: str, facts: dict[str, Any]) -> None:
    """Write results/<name>.json and print it."""
    content = {
        "benchmark": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_machine(),
        **facts,
    }
    text = json.dumps(content, indent=2)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    print(text)
