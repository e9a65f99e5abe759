from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # tests import hostile by its name
sys.path.insert(0, str(HERE.parent / "unit" / "data" / "audit"))  # and defects


@pytest.fixture(scope="session")
def victim() -> Callable[..., list[dict[str, Any]]]:
    """Runs child.py: what it said of each case before it ended, and why it ended early."""

    def run(*arguments: object, seconds: float = 600) -> list[dict[str, Any]]:
        done = subprocess.run(
            [sys.executable, str(HERE / "child.py"), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode:
            lines.append({"died": done.returncode, "stderr": done.stderr[-2000:]})
        return lines

    return run
