"""The local executor: what it promises, and every way a worker can end."""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from loopyard.core.errors import ConfigError, WorkerError
from loopyard.executors.executor import Executor
from loopyard.executors.local import LocalExecutor, _LocalCrew as _Crew, worker_environment

HERE = Path(__file__).parent
JOBS_MODULE = "executor_jobs"
JOBS = '''
"""Handlers that workers can import."""

import os
import signal
import sys
import time
from pathlib import Path

from loopyard.core.errors import ConfigError


class Doubler:
    def __init__(self, offset=0):
        self.offset = offset

    def __call__(self, job):
        return 2 * job + self.offset


class Environment:
    def __call__(self, job):
        names = ("LP_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "MUJOCO_GL")
        return os.getpid(), {name: os.environ.get(name) for name in names}, "numpy" in sys.modules


class Closing:
    def __init__(self, path):
        self.path = Path(path)

    def __call__(self, job):
        return job

    def close(self):
        (self.path / str(os.getpid())).write_text("closed")


class FailingClose(Closing):
    def close(self):
        raise OSError(28, "close: failed")


class Raiser:
    def __call__(self, job):
        if job == "config":
            raise ConfigError("demo.yaml: seed: found 'x', expected an integer")
        if job == "value":
            raise ValueError("plain")
        if job == "full":
            raise OSError(28, "No space left on device")
        if job == "odd":
            raise Odd(1, 2)
        if job == "exit":
            sys.exit(5)
        return lambda: None


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"odd {one} {two}")


def broken():
    raise ConfigError("make_handler: broken")


class DiesOnce:
    """Kills its process on job 3, unless the file tells that it did so before."""

    def __init__(self, marker, times=1):
        self.marker = Path(marker)
        self.times = times

    def __call__(self, job):
        if job == 3:
            deaths = len(list(self.marker.parent.glob("death-*")))
            if deaths < self.times:
                (self.marker.parent / f"death-{deaths}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return job


class Sleeper:
    def __call__(self, job):
        seconds, value = job
        time.sleep(seconds)
        return value


class Large:
    def __call__(self, job):
        return bytes(len(job))


class Printer:
    def __call__(self, job):
        print("from a worker", flush=True)
        return job


class Pids:
    def __init__(self, path):
        Path(path, str(os.getpid())).touch()

    def __call__(self, job):
        time.sleep(job)
        return os.getpid()
'''


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    folder = tmp_path_factory.mktemp("jobs")
    (folder / f"{JOBS_MODULE}.py").write_text(JOBS)
    monkeypatch.syspath_prepend(str(folder))
    import executor_jobs  # pyright: ignore[reportMissingImports]

    yield executor_jobs
    del sys.modules[JOBS_MODULE]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_job_has_its_result(jobs, workers: int) -> None:
    executor: Executor = LocalExecutor(workers)
    results = executor.map(partial(jobs.Doubler, offset=1), range(50))
    assert sorted(results) == [2 * job + 1 for job in range(50)]


@pytest.mark.parametrize("workers", [0, 2])
def test_no_jobs_no_results(jobs, workers: int) -> None:
    assert list(LocalExecutor(workers).map(jobs.Doubler, [])) == []


def test_a_negative_number_of_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers: found -1"):
        LocalExecutor(-1)


def test_workers_are_set_up_before_numpy_loads(jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    (pid, environment, numpy_loaded), *_ = LocalExecutor(1).map(jobs.Environment, [0])
    assert pid != os.getpid()
    assert environment == {
        "LP_NUM_THREADS": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "MUJOCO_GL": "egl",
    }
    assert not numpy_loaded
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_a_chosen_renderer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert worker_environment()["MUJOCO_GL"] == "osmesa"


def test_one_job_starts_one_worker(jobs, tmp_path: Path) -> None:
    assert len(list(LocalExecutor(4).map(partial(jobs.Pids, tmp_path), [0.0]))) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_results_come_as_they_finish(jobs) -> None:
    work = [(0.6, "slow"), (0.0, "quick"), (0.0, "quick")]
    assert list(LocalExecutor(2).map(jobs.Sleeper, work)) == ["quick", "quick", "slow"]


def test_endless_jobs_are_taken_lazily(jobs) -> None:
    taken = []

    def endless() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = LocalExecutor(2).map(jobs.Doubler, endless())
    assert taken == []
    for count in range(1, 30):
        next(results)
        assert len(taken) <= count + 4
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("busy_s", "depth"), [(0.0, 1), (9.0, 2), (11.0, 1)])
def test_only_short_jobs_wait_in_the_worker(busy_s: float, depth: int) -> None:
    crew = _Crew(2, dict, [], 0)
    assert crew.depth() == 1  # nothing is known of them yet
    crew.finished, crew.busy_s = (10, busy_s) if busy_s else (0, 0.0)
    assert crew.depth() == depth


@pytest.mark.parametrize("workers", [0, 1])
def test_leaving_early_closes_a_handler_here_and_ends_workers_there(
    jobs, tmp_path: Path, workers: int
) -> None:
    results = LocalExecutor(workers).map(partial(jobs.Pids, tmp_path), itertools.repeat(0.0))
    pid = next(results)
    assert alive(pid)
    results.close()  # type: ignore[attr-defined]
    assert workers == 0 or not alive(pid)


@pytest.mark.parametrize("workers", [0, 2])
def test_handlers_are_closed_at_the_end(jobs, tmp_path: Path, workers: int) -> None:
    assert len(list(LocalExecutor(workers).map(partial(jobs.Closing, tmp_path), range(8)))) == 8
    assert [path.read_text() for path in tmp_path.iterdir()] == ["closed"] * max(1, workers)


def test_an_error_in_close_is_raised(jobs, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="close: failed"):
        list(LocalExecutor(1).map(partial(jobs.FailingClose, tmp_path), [1]))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("job", "kind", "text"),
    [
        ("config", ConfigError, "demo.yaml: seed: found 'x', expected an integer"),
        ("value", ValueError, "plain"),
        ("full", OSError, "No space left"),
    ],
)
def test_errors_keep_their_type(
    jobs, workers: int, job: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        list(LocalExecutor(workers).map(jobs.Raiser, [job]))
    assert type(caught.value) is kind
    notes = "".join(getattr(caught.value, "__notes__", []))
    assert ("in a worker process" in notes) == (workers > 0 and kind is not ConfigError)
    if kind is OSError:
        assert isinstance(caught.value, OSError)
        assert caught.value.errno == errno.ENOSPC


def test_errors_that_do_not_pickle_keep_their_text(jobs) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)in a worker process.*odd 1 2"):
        list(LocalExecutor(1).map(jobs.Raiser, ["odd"]))


def test_results_that_do_not_pickle_are_an_error(jobs) -> None:
    with pytest.raises(Exception, match="lambda"):
        list(LocalExecutor(1).map(jobs.Raiser, ["lambda"]))


def test_an_exit_in_a_handler_is_an_error(jobs) -> None:
    with pytest.raises(RuntimeError, match="SystemExit: 5"):
        list(LocalExecutor(1).map(jobs.Raiser, ["exit"]))


def test_an_error_while_making_the_handler_is_raised_once(jobs) -> None:
    with pytest.raises(ConfigError, match="make_handler: broken"):
        list(LocalExecutor(2).map(jobs.broken, range(10)))


def test_an_error_in_the_jobs_ends_the_workers(jobs, tmp_path: Path) -> None:
    def failing() -> Iterator[float]:
        yield 0.0
        yield 0.0
        raise KeyError("from the jobs")

    with pytest.raises(KeyError, match="from the jobs"):
        list(LocalExecutor(1).map(partial(jobs.Pids, tmp_path), failing()))
    assert not any(alive(int(path.name)) for path in tmp_path.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_is_replaced_and_no_job_is_lost(jobs, tmp_path: Path, workers: int) -> None:
    make = partial(jobs.DiesOnce, tmp_path / "marker")
    assert sorted(LocalExecutor(workers).map(make, range(12))) == list(range(12))
    assert (tmp_path / "death-0").exists()


def test_a_job_that_kills_twice_is_an_error(jobs, tmp_path: Path) -> None:
    make = partial(jobs.DiesOnce, tmp_path / "marker", times=9)
    with pytest.raises(WorkerError, match=r"job 4: 2 workers died on it, .*SIGKILL") as caught:
        list(LocalExecutor(2).map(make, range(12)))
    assert caught.value.exit_code == 3
    assert len(list(tmp_path.glob("death-*"))) == 2


def test_large_jobs_and_results_do_not_block_each_other(jobs) -> None:
    work = [b"x" * 3_000_000] * 12
    assert [len(result) for result in LocalExecutor(2).map(jobs.Large, work)] == [3_000_000] * 12


def test_what_workers_print_stays_out_of_the_result(
    jobs, capfd: pytest.CaptureFixture[str]
) -> None:
    assert list(LocalExecutor(1).map(jobs.Printer, [1])) == [1]
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "from a worker" in captured.err


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


def start_parent(jobs, pids: Path, seconds: float) -> subprocess.Popen[str]:
    folder = str(Path(jobs.__file__).parent)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, folder, str(pids), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(list(pids.iterdir())) == 2)
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
    assert not any(alive(int(path.name)) for path in tmp_path.iterdir())


def test_workers_end_with_a_killed_parent(jobs, tmp_path: Path) -> None:
    parent = start_parent(jobs, tmp_path, 60.0)
    parent.kill()
    parent.communicate(timeout=10)
    wait_for(lambda: not any(alive(int(path.name)) for path in tmp_path.iterdir()))


def test_a_script_needs_no_main_guard(jobs, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(jobs.__file__).parent)!r})\n"
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


def test_workers_can_be_told_to_take_only_what_others_leave():
    make = partial(partial, os.getpriority, os.PRIO_PROCESS)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert list(LocalExecutor(1, nice=5).map(make, [0])) == [min(19, before + 5)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
