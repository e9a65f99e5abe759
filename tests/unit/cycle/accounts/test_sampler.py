"""The sampler sees this process's children at work, and goes on with an earlier file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from loopyard.core.clock import Stopwatch
from loopyard.cycle.accounts import sampler
from loopyard.cycle.accounts.sampler import UsageSampler, parse_gpus
from loopyard.cycle.accounts.usage import Gpu, read_usage, usage_over

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="figures come from /proc")
SPIN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"


def test_work_of_a_child_is_counted_while_it_runs_and_after_it_ended(tmp_path):
    watch = Stopwatch()
    path = tmp_path / "usage.jsonl"
    with UsageSampler(path, watch.seconds, every_s=0.05):
        subprocess.run([sys.executable, "-c", SPIN.format(0.3)], check=True)
    rows = read_usage(path)
    own_s = sum(row.own * row.seconds for row in rows)
    assert own_s == pytest.approx(0.3, abs=0.25)  # its start and this test's own work come on top
    assert own_s >= 0.28
    assert all(0 <= row.own <= row.cores and 0 <= row.busy <= row.cores for row in rows)
    assert 0 < rows[-1].memory_gib <= rows[-1].memory_total_gib * 1.01
    assert rows[-1].own_memory_gib > 0.01


def test_it_stops_with_what_it_watches(tmp_path):
    with UsageSampler(tmp_path / "usage.jsonl", time.monotonic, every_s=60.0):
        assert "usage" in [thread.name for thread in threading.enumerate()]
    assert "usage" not in [thread.name for thread in threading.enumerate()]


def test_a_resumed_run_goes_on_behind_a_line_that_was_cut(tmp_path):
    path = tmp_path / "usage.jsonl"
    watch = Stopwatch()
    with UsageSampler(path, watch.seconds, every_s=0.02):
        _wait_for_rows(path, 2)
    before = len(read_usage(path))
    path.write_text(path.read_text() + '{"at_s": 1')
    with UsageSampler(path, watch.seconds, every_s=0.02):
        _wait_for_rows(path, before + 1)
    rows = read_usage(path)
    assert len(rows) > before
    assert [row.at_s for row in rows] == sorted(row.at_s for row in rows)


def test_the_file_of_a_long_run_stays_small(tmp_path, monkeypatch):
    monkeypatch.setattr(sampler, "MOST_ROWS", 20)
    path = tmp_path / "usage.jsonl"
    seconds = iter(range(1, 1000))
    watched = UsageSampler(path, lambda: float(next(seconds)))
    for _ in range(100):
        watched.sample()
    rows = read_usage(path)
    assert len(rows) < 20
    assert sum(row.seconds for row in rows) == pytest.approx(100.0)


def test_a_disk_that_refuses_does_not_stop_the_work(tmp_path):
    with UsageSampler(tmp_path / "missing" / "usage.jsonl", time.monotonic, every_s=0.01):
        pass


def test_nvidia_smi_is_read_and_what_it_does_not_know_left_out():
    lines = ["0, NVIDIA A100-SXM4-40GB, 12, 3482, 40960", "1, GRID, [N/A], [N/A], [N/A]", ""]
    (gpu,) = parse_gpus(lines)
    assert (gpu.name, gpu.use, gpu.memory_total_gib) == ("NVIDIA A100-SXM4-40GB", 0.12, 40.0)
    assert gpu.memory_gib == pytest.approx(3.4, abs=0.01)


SMI = """#!/bin/sh
echo asked >> "$ASKED"
test -n "$BROKEN" && exit 9
test "$1" = --query-gpu=index,name,utilization.gpu,memory.used,memory.total || exit 8
echo '0, NVIDIA H100 80GB HBM3, 50, 8192, 81920'
echo '1, NVIDIA H100 80GB HBM3, 0, 1024, 81920'
"""


@pytest.fixture
def asked(tmp_path, monkeypatch) -> Path:
    """Puts an nvidia-smi of two GPUs on the path; the file has a line for each call of it."""
    (tmp_path / "bin").mkdir()
    smi = tmp_path / "bin/nvidia-smi"
    smi.write_text(SMI)
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(smi.parent), prepend=os.pathsep)
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path / "asked"


def test_gpus_are_asked_now_and_then_and_stand_in_every_row(tmp_path, asked):
    path = tmp_path / "usage.jsonl"
    seconds = iter((*range(0, 40, 10), 61))
    watched = UsageSampler(path, lambda: float(next(seconds)))
    watched._before = watched._counters()[:3]
    for _ in range(4):
        watched.sample()
    rows = read_usage(path)
    expected = (
        Gpu("NVIDIA H100 80GB HBM3", 0.5, 8.0, 80.0),
        Gpu("NVIDIA H100 80GB HBM3", 0.0, 1.0, 80.0),
    )
    assert [row.gpus for row in rows] == [expected] * 4
    assert asked.read_text().count("asked") == 2  # after 10 s and after 61 s
    usage = usage_over(rows)
    assert usage is not None
    assert (usage.gpus, usage.gpu) == (2, Gpu("NVIDIA H100 80GB HBM3", 0.25, 8.0, 80.0))


def test_an_nvidia_smi_that_fails_is_no_gpu_and_no_error(tmp_path, asked, monkeypatch):
    monkeypatch.setenv("BROKEN", "1")
    seconds = iter(range(1, 9))
    watched = UsageSampler(tmp_path / "usage.jsonl", lambda: float(next(seconds)))
    watched.sample()
    assert [row.gpus for row in read_usage(tmp_path / "usage.jsonl")] == [()]
    assert asked.exists()


def _wait_for_rows(path, number: int) -> None:
    end = time.monotonic() + 30.0
    while len(read_usage(path)) < number:
        assert time.monotonic() < end, "no row came"
        time.sleep(0.01)
