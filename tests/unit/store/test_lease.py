"""The lease: one holder at a time, whoever crashes, sleeps or races."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loopyard.core.errors import LeaseError, StoreError
from loopyard.store.lease import Lease, newest_holding
from loopyard.store.owner import Owner


@dataclass
class FakeClock:
    """Time that passes when told to. The wall may jump."""

    now_s: float = 1000.0
    wall_s: float = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.wall_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.wall_s += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs/trial/leases"


def owner(pid: int, boot_id: str = "boot-a") -> Owner:
    return Owner("host", boot_id, "pid:[1]", pid, 10 * pid)


def lease_of(folder: Path, clock: FakeClock, pid: int, dead: tuple[int, ...] = ()) -> Lease:
    return Lease(
        folder, "run", clock=clock, owner=owner(pid), is_dead=lambda held: held.pid in dead
    )


def test_a_second_holder_is_refused_and_told_who_is_there(folder, clock):
    first = lease_of(folder, clock, 11)
    first.acquire()
    first.renew(step="cycle-1/train", progress=5)
    clock.pass_s(3.0)
    with pytest.raises(LeaseError, match=r"process 11 on host .*3 s ago, in cycle-1/train"):
        lease_of(folder, clock, 22).acquire()
    first.check()


def test_what_is_given_back_is_free_at_once_and_tells_how_it_ended(folder, clock):
    first, second = lease_of(folder, clock, 11), lease_of(folder, clock, 22)
    first.acquire()
    first.release("KeyboardInterrupt")
    left = newest_holding(folder, "run")
    assert left is not None
    assert left.ended == "KeyboardInterrupt"
    assert second.holder() is None
    second.acquire()
    assert second.token == 2
    assert [path.name for path in folder.iterdir()] == ["run.000002.json"]


def test_a_dead_holder_is_replaced_at_once(folder, clock):
    lease_of(folder, clock, 11).acquire()
    lease_of(folder, clock, 22, dead=(11,)).acquire()


def test_a_silent_holder_is_replaced_after_its_expiry_and_learns_of_it(folder, clock):
    first, second = lease_of(folder, clock, 11), lease_of(folder, clock, 22)
    first.acquire()
    clock.pass_s(19.9)
    with pytest.raises(LeaseError):
        second.acquire()
    clock.pass_s(0.1)
    second.acquire()
    for write in (first.check, first.renew):
        with pytest.raises(LeaseError, match="process 22 on host took over"):
            write()
    first.release()
    second.check()
    held = second.holder()
    assert held is not None
    assert held.owner.pid == 22


def test_an_expired_lease_that_nobody_took_is_still_its_holders(folder, clock):
    first = lease_of(folder, clock, 11)
    first.acquire()
    clock.pass_s(100.0)
    first.renew()
    with pytest.raises(LeaseError):
        lease_of(folder, clock, 22).acquire()


def test_a_wall_clock_that_jumps_expires_no_lease_of_this_boot(folder, clock):
    lease_of(folder, clock, 11).acquire()
    clock.wall_s += 3600.0
    with pytest.raises(LeaseError):
        lease_of(folder, clock, 22).acquire()


@pytest.mark.parametrize("jump_s", [30.0, -30.0])
def test_of_another_boot_the_wall_clock_tells(folder, clock, jump_s):
    lease_of(folder, clock, 11).acquire()
    later = Lease(folder, "run", clock=clock, owner=owner(11, "boot-b"))
    with pytest.raises(LeaseError):
        later.acquire()
    clock.wall_s += jump_s
    later.acquire()


def test_leases_of_other_names_do_not_meet(folder, clock):
    lease_of(folder, clock, 11).acquire()
    Lease(folder, "watch", clock=clock, owner=owner(22)).acquire()
    assert sorted(path.name for path in folder.iterdir()) == [
        "run.000001.json",
        "watch.000001.json",
    ]


def test_of_two_that_try_at_the_same_moment_one_gets_it(folder, clock, monkeypatch):
    """The second takes the token between the first one's look and its grasp."""
    first, second = lease_of(folder, clock, 11), lease_of(folder, clock, 22)
    create = Lease._create

    def slowly(self, holding):
        if self is first and not second.token:
            second.acquire()
        return create(self, holding)

    monkeypatch.setattr(Lease, "_create", slowly)
    with pytest.raises(LeaseError, match="process 22"):
        first.acquire()
    second.check()


def test_who_slept_over_several_holders_does_not_go_back_in_time(folder, clock, monkeypatch):
    """It makes the file of a token that is free again, since it was cleared away."""
    sleeper, create = lease_of(folder, clock, 11), Lease._create

    def slowly(self, holding):
        if self is sleeper and holding.token == 1:
            for pid in (22, 33):
                other = lease_of(folder, clock, pid)
                other.acquire()
                if pid == 22:
                    other.release()
        return create(self, holding)

    monkeypatch.setattr(Lease, "_create", slowly)
    with pytest.raises(LeaseError, match="process 33"):
        sleeper.acquire()
    assert [path.name for path in folder.iterdir()] == ["run.000002.json"]


def test_what_a_killed_holder_left_half_written_is_cleared(folder, clock):
    lease_of(folder, clock, 11).acquire()
    (folder / ".run.000001.json.tmp-11-abcd").write_text("{")
    lease_of(folder, clock, 22, dead=(11,)).acquire()
    assert [path.name for path in folder.iterdir()] == ["run.000002.json"]


def test_a_removed_run_folder_is_a_lost_lease(folder, clock):
    first = lease_of(folder, clock, 11)
    first.acquire()
    (folder / "run.000001.json").unlink()
    with pytest.raises(LeaseError, match="found no lease"):
        first.check()


def test_a_damaged_lease_is_named(folder, clock):
    folder.mkdir(parents=True)
    (folder / "run.000004.json").write_text('{"token": 4}')
    with pytest.raises(StoreError, match=r"run.000004.json: not readable"):
        lease_of(folder, clock, 11).acquire()


def test_a_filesystem_without_hard_links_is_named(folder, clock, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError, match=r"filesystem: .*expected hard links"):
        lease_of(folder, clock, 11).acquire()
    assert list(folder.iterdir()) == []


# --- processes ---------------------------------------------------------------------------------


def test_a_living_process_is_not_dead_and_one_of_its_number_later_is_not_it():
    this = Owner.this()
    assert this.pid == os.getpid()
    assert not this.is_proven_dead()
    assert replace(this, started=this.started - 1).is_proven_dead()


def test_of_another_boot_or_another_container_nothing_is_proved():
    gone = replace(Owner.this(), started=1)
    assert gone.is_proven_dead()
    assert not replace(gone, boot_id="another").is_proven_dead()
    assert not replace(gone, pid_space="pid:[1]").is_proven_dead()
    assert not replace(gone, boot_id="").is_proven_dead()


HOLD = """
import sys
from pathlib import Path
from loopyard.store.lease import Lease
Lease(Path(sys.argv[1]), "run").acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_is_dead_even_before_its_parent_has_looked(folder):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(LeaseError, match=f"process {child.pid} on"):
            Lease(folder, "run").acquire()
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet buried
        Lease(folder, "run").acquire()
        child.wait()


def test_a_holding_is_readable_by_people(folder, clock):
    first = lease_of(folder, clock, 11)
    first.acquire()
    first.renew(step="gate", progress=7)
    plain = json.loads((folder / "run.000001.json").read_text())
    assert plain["owner"]["pid"] == 11
    assert plain["step"] == "gate"
    assert plain["progress"] == 7
    assert plain["beats"] == 1
