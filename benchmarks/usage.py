"""What sampling the machine costs a campaign: processor time of one sample, and its share.

python benchmarks/usage.py

The sampler's own thread is timed over a hundred samples, with two child processes at work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _record import record
from loopyard.cycle.accounts.sampler import UsageSampler
from loopyard.cycle.accounts.usage import EVERY_S

SAMPLES, CHILDREN = 100, 2
SPIN = "while True: pass"


def main() -> None:
    children = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(CHILDREN)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            sampler = UsageSampler(Path(folder) / "usage.jsonl", time.monotonic)
            sampler.sample()
            begin_s = time.thread_time()
            for _ in range(SAMPLES):
                sampler.sample()
            each_s = (time.thread_time() - begin_s) / SAMPLES
    finally:
        for child in children:
            child.kill()
            child.wait()
    facts = {
        "processes_on_the_machine": sum(name.isdigit() for name in os.listdir("/proc")),
        "ms_a_sample": round(1e3 * each_s, 3),
        "share_of_one_core_percent": round(100 * each_s / EVERY_S, 4),
    }
    record("usage", facts)


if __name__ == "__main__":
    main()
