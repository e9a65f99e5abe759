"""`loopyard watch`: what it writes, when it leaves a campaign alone, and its options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.store.lease import WATCH, Lease, leases_of
from loopyard.surface import cli
from loopyard.surface.watch import runner
from loopyard.surface.watch.record import Record


class NoChild:
    def __init__(self, *args: object) -> None:
        pytest.fail("a runner was started")


@pytest.fixture(autouse=True)
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "Child", NoChild)
    path = tmp_path / "trial.yaml"
    path.write_text("seed: 1\n")
    return path


def test_a_unit_and_a_crontab_are_written_with_the_options_given(capsys, tmp_path):
    words = ["--write-systemd", "trial.service", "--write-cron", "tab", "--tries", "5"]
    (tmp_path / "tab").write_text("0 1 * * * backup\n")
    for _ in range(2):
        assert cli.main(["watch", "trial.yaml", *words]) == 0
        assert capsys.readouterr().out == "trial.service\ntab\n"
    assert "trial.yaml --tries 5 --unattended\n" in (tmp_path / "trial.service").read_text()
    first, line = (tmp_path / "tab").read_text().splitlines()
    assert first == "0 1 * * * backup"
    assert "trial.yaml --tries 5 --unattended >> runs/trial/watch.log" in line
    assert not (tmp_path / "runs").exists()


def test_they_can_be_printed(capsys, tmp_path):
    assert cli.main(["watch", "trial.yaml", "--write-cron", "-"]) == 0
    assert capsys.readouterr().out.startswith(f"* * * * * cd {tmp_path} && ")
    assert cli.main(["watch", "trial.yaml", "--write-systemd", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["-"].startswith("[Unit]")


@pytest.mark.parametrize("state", ["done", "paused", "stopped", "refused"])
def test_unattended_it_leaves_alone_what_a_person_has_to_look_at(state, capsys):
    Record(state).write(Path("runs/trial"))
    assert cli.main(["watch", "trial.yaml", "--unattended"]) == 0
    assert capsys.readouterr().out == ""
    assert Record.read(Path("runs/trial")).state == state


def test_where_a_supervisor_lives_cron_is_silent_and_a_person_is_told(capsys):
    with_it = Lease(leases_of(Path("runs/trial")), WATCH)
    with_it.acquire()
    assert cli.main(["watch", "trial.yaml", "--unattended"]) == 0
    assert capsys.readouterr() == ("", "")
    assert cli.main(["watch", "trial.yaml"]) == 2
    assert "runs/trial: watch: found process" in capsys.readouterr().err
    with_it.release()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent.yaml"], "absent.yaml: no such file"),
        (["trial.yaml", "--tries", "0"], "watch: --tries: found 0, expected above 0"),
        (["trial.yaml", "--frozen-after-s", "-1"], "--frozen-after-s: found -1.0"),
    ],
)
def test_wrong_use_is_named(words, said, capsys):
    assert cli.main(["watch", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_damaged_record_is_named(capsys):
    Path("runs/trial").mkdir(parents=True)
    Path("runs/trial/watch.json").write_text("{")
    assert cli.main(["watch", "trial.yaml", "--unattended"]) == 2
    assert "watch.json: not readable" in capsys.readouterr().err
