"""The sampler sees this process's children at work, and goes on with an earlier file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from loopyard.core.clock import Stopwatch
from loopyard.cycle import sampler
from loopyard.cycle.sampler import UsageSampler, parse_gpus
from loopyard.cycle.usage import read_usage

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


def _wait_for_rows(path, number: int) -> None:
    end = time.monotonic() + 30.0
    while len(read_usage(path)) < number:
        assert time.monotonic() < end, "no row came"
        time.sleep(0.01)
