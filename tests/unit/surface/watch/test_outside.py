"""The outside layer: a unit that systemd takes, and a cron line that a shell takes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loopyard.surface.watch.campaign import Watched
from loopyard.surface.watch.outside import cron_line, systemd_unit, with_cron_line

CAMPAIGN = Watched(Path("runs/100 % sure"), ("configs/it's.yaml", "--set", "name=100 % sure"))


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_unit_starts_the_supervisor_again_only_where_that_was_not_meant():
    unit = systemd_unit(CAMPAIGN, ["--tries", "5"], 60.0).splitlines()
    assert "Restart=on-failure" in unit
    assert "RestartPreventExitStatus=1 2 3" in unit
    assert "TimeoutStopSec=90" in unit
    assert f"WorkingDirectory={Path.cwd()}" in unit
    (start,) = [line for line in unit if line.startswith("ExecStart=")]
    assert start.endswith(
        'watch "configs/it\'s.yaml" --set "name=100 %% sure" --tries 5 --unattended'
    )


def complaints(unit: str, path: Path) -> list[str]:
    """What systemd says against a unit."""
    path.write_text(unit)
    command = ["systemd-analyze", "verify", str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in found.stderr.splitlines() if path.name in line]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_nothing_to_say_against_the_unit(tmp_path):
    unit, path = systemd_unit(CAMPAIGN, [], 60.0), tmp_path / "loopyard-trial.service"
    if not complaints(unit.replace("Restart=", "Restart=un"), path):
        pytest.skip("systemd cannot look at units here")
    assert complaints(unit, path) == []


def test_cron_runs_the_supervisor_in_its_folder_and_keeps_what_it_says(monkeypatch, tmp_path):
    """As cron does it: a percent sign that is not escaped ends the command."""
    seen = f"{sys.executable} -c 'import sys; print(sys.argv[1:])'"
    line = cron_line(CAMPAIGN, ["--tries", "5"])
    times, command = line[:10], line[10:]
    assert times == "* * * * * "
    assert "%" not in command.replace(r"\%", "")
    command = command.replace(r"\%", "%").replace(f"{sys.executable} -m loopyard.surface.cli", seen)
    subprocess.run(["sh", "-c", command], cwd="/", check=True)
    said = (tmp_path / "runs/100 % sure/watch.log").read_text()
    assert said == (
        "['watch', \"configs/it's.yaml\", '--set', 'name=100 % sure', '--tries', '5', "
        "'--unattended']\n"
    )


def test_a_crontab_has_the_campaigns_line_once_and_keeps_the_others():
    other = Watched(Path("runs/other"), ("other.yaml",))
    table = with_cron_line("MAILTO=me\n0 1 * * * backup\n", CAMPAIGN, [])
    table = with_cron_line(table, other, [])
    again = with_cron_line(table, CAMPAIGN, ["--tries", "9"])
    assert again.splitlines() == [
        *("MAILTO=me", "0 1 * * * backup"),
        cron_line(other, []),
        cron_line(CAMPAIGN, ["--tries", "9"]),
    ]
    assert with_cron_line(again, CAMPAIGN, ["--tries", "9"]) == again
