"""The local executor: its processes, their environment and every way its parent can end.

What it shares with the others is in tests/contract/test_executors.py.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from loopyard.executors.local import LocalExecutor, worker_environment

TOYS = Path(__file__).parents[2] / "toy"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TOYS))
    yield importlib.import_module("executor_jobs")
    del sys.modules["executor_jobs"]


def test_a_negative_number_of_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers: found -1"):
        LocalExecutor(-1)


def test_workers_are_set_up_before_numpy_loads(jobs) -> None:
    (_, _, numpy_loaded), *_ = LocalExecutor(1).map(jobs.Environment, [0])
    assert not numpy_loaded


def test_a_chosen_renderer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert worker_environment()["MUJOCO_GL"] == "osmesa"


def test_one_job_starts_one_worker(jobs, tmp_path: Path) -> None:
    assert len(list(LocalExecutor(4).map(partial(jobs.Pids, tmp_path), [0.0]))) == 1
    assert len(jobs.pids(tmp_path)) == 1


PARENT = """
import itertools, sys
sys.path.insert(0, sys.argv[1])
import executor_jobs
from functools import partial
from loopyard.executors.local import LocalExecutor
make = partial(executor_jobs.Pids, sys.argv[2])
results = LocalExecutor(2).map(make, itertools.repeat(float(sys.argv[3])))
try:
    for count, _ in enumerate(results):
        if count == 1:
            print("running", flush=True)
except KeyboardInterrupt:
    print("interrupted once", flush=True)
"""


def start_parent(jobs, made: Path, seconds: float) -> subprocess.Popen[str]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(TOYS), str(made), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    jobs.wait_for(lambda: len(jobs.pids(made)) == 2)
    return parent


@pytest.mark.parametrize("seconds", [0.01, 60.0])
def test_ctrl_c_is_heard_once_and_ends_every_worker(jobs, tmp_path: Path, seconds: float) -> None:
    parent = start_parent(jobs, tmp_path, seconds)
    start = time.monotonic()
    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the whole group
    out, err = parent.communicate(timeout=10)
    assert time.monotonic() - start < 3.0
    assert out.splitlines()[-1] == "interrupted once"
    assert err == ""
    assert not any(map(jobs.alive, jobs.pids(tmp_path)))


def test_workers_end_with_a_killed_parent(jobs, tmp_path: Path) -> None:
    parent = start_parent(jobs, tmp_path, 60.0)
    parent.kill()
    parent.communicate(timeout=10)
    jobs.wait_for(lambda: not any(map(jobs.alive, jobs.pids(tmp_path))))


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(TOYS)!r})\n"
        "import executor_jobs\n"
        "from loopyard.executors.local import LocalExecutor\n"
        "print(sorted(LocalExecutor(2).map(executor_jobs.Doubler, range(3))))\n"
    )
    child = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True
    )
    assert child.stdout == "[0, 2, 4]\n"


def test_a_handler_of_the_script_itself_says_where_it_must_live(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from loopyard.executors.local import LocalExecutor\n"
        "class Own:\n"
        "    def __call__(self, job): return job\n"
        "list(LocalExecutor(1).map(Own, [1]))\n"
    )
    child = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert child.returncode == 1
    assert "put it in a module that workers can import" in child.stderr
