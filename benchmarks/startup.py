"""How long `loopyard --help` takes, beside the bare interpreter. Median of ten.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from _record import record

RUNS = 10


def median_s(command: list[str]) -> float:
    seconds = []
    for _ in range(RUNS + 1):
        begin_s = time.monotonic()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.monotonic() - begin_s)
    return statistics.median(seconds[1:])


def main() -> None:
    bare_s = median_s([sys.executable, "-c", "pass"])
    call = "from loopyard.surface.cli import main; main(['--help'])"
    help_s = median_s([sys.executable, "-c", call])
    facts = {"help_s": round(help_s, 4), "bare_python_s": round(bare_s, 4)}
    record("startup", {**facts, "ratio": round(help_s / bare_s, 2)})


if __name__ == "__main__":
    main()
