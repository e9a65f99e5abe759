"""Wrong use and bad places: a message that names what and where, the right code, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopyard.core.scenario import Scenario
from loopyard.data.generate import DrivePlan, generate
from loopyard.executors.local import LocalExecutor
from loopyard.surface.cli import main
from loopyard.training.config import TrainConfig
from loopyard.training.loop import train

pytestmark = pytest.mark.e2e

REACH = ("--world", "reach_world:ReachWorld", "--preset", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A dataset ``data`` and a policy ``policy`` of two actions, a dataset ``three`` of three."""
    root = tmp_path_factory.mktemp("bad")
    shutil.copy(Path(__file__).parents[1] / "toy/reach_world.py", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        patch.chdir(root)
        for name, actions in (("data", 2), ("three", 3)):
            scenario = Scenario(world=REACH[1], preset="", params={"actions": actions})
            generate(DrivePlan(scenario=scenario, root=Path(name)), 3, LocalExecutor(0))
        config = TrainConfig(steps=2, batch_size=8, threads=1)
        train(config, [Path("data")], Path("policy"))
        (root / "empty").mkdir()
        yield root


@pytest.fixture
def place(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to damage, and the current folder."""
    place = tmp_path / "place"
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns(".cache"))
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    return place


def refused(capsys: pytest.CaptureFixture[str], *args: str, code: int = 2) -> str:
    """What a command says on standard error as it refuses."""
    assert main(list(args)) == code
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
    return said.err.removeprefix("error: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bugdet_minutes: 3", "wrong.yaml: bugdet_minutes: unknown setting"),
        ("budget_minutes: soon", "wrong.yaml: budget_minutes: found 'soon'"),
        ("train: {lrr: 1}", "wrong.yaml: train.lrr: unknown setting"),
        ("world: yard\npreset: strater", "preset: found 'strater', expected one of"),
        ("world: yrad", "world: found 'yrad', expected one of"),
        ("world: 'nowhere:World'", "cannot import 'nowhere'"),
        ("world: yard\nparams: {brick: 1}", "brick: found 1"),
    ],
)
@pytest.mark.parametrize("command", ["run", "measure"])
def test_a_wrong_campaign(place, capsys, command, text, message):
    (place / "wrong.yaml").write_text(text)
    assert message in refused(capsys, command, "wrong.yaml")
    assert not (place / "runs").exists(), "the mended campaign would find another's folder"


def test_a_campaign_that_is_not_there(place, capsys):
    assert refused(capsys, "run", "nowhere.yaml").startswith("nowhere.yaml: no such file")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--preset", "strater"), "preset: found 'strater'"),
        (("--params", "brick", "2"), "brick: found 2"),
        (("--params", "bricks", "[2"), "--params: bricks: found '[2'"),
        (("--episodes", "0"), "--episodes: found 0"),
        (("--expert", "nowhere:Expert"), "cannot import 'nowhere'"),
    ],
)
def test_wrong_options_of_generate(place, capsys, args, message):
    assert message in refused(capsys, "generate", "--out", "new", "--workers", "1", *args)
    assert not (place / "new").exists()


@pytest.mark.parametrize("kind", ["missing", "empty", "not sealed", "truncated", "cut video"])
def test_a_dataset_that_is_not_whole(place, capsys, kind):
    dataset = place / "data"
    if kind == "missing":
        shutil.rmtree(dataset)
    elif kind == "empty":
        shutil.rmtree(dataset)
        dataset.mkdir()
    elif kind == "not sealed":
        (dataset / "meta/info.json").unlink()
    else:
        suffix = "parquet" if kind == "truncated" else "mp4"
        part = next((dataset / ("data" if kind == "truncated" else "videos")).rglob(f"*.{suffix}"))
        part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    train_args = ("train", "--dataset", "data", "--steps", "2", "--out", "new")
    said = refused(capsys, *train_args)
    assert said.startswith("data: audit: found 'fail'")
    assert "data" in said.partition("(")[2]
    assert not (place / "new/last").exists()
    assert main(["audit", "data"]) == 1
    assert "fail: data" in capsys.readouterr().out
    for command in (("export", "raw", "data", "raw"), (*train_args, "--allow-failed-audit")):
        if kind == "cut video" and command[0] == "export":
            continue  # its bytes are copied as they are, until a reader decodes them
        assert "data" in refused(capsys, *command)


def test_a_dataset_of_another_action_size_than_the_policy(place, capsys):
    said = refused(
        capsys,
        *("train", "--dataset", "three", "--init-from", "policy/last"),
        *("--steps", "2", "--out", "new"),
    )
    assert said.startswith("policy/last: action size of the dataset: found 3, expected 2")


def test_datasets_of_different_action_sizes(place, capsys):
    said = refused(capsys, "train", "--dataset", "data", "three", "--steps", "2", "--out", "new")
    assert said.startswith("three: action: found")


def test_a_world_of_another_action_size_than_the_policy(place, capsys):
    said = refused(
        capsys,
        *("evaluate", "--policy", "policy/last", *REACH, "--params", "actions", "3"),
        *("--n", "2", "--workers", "1"),
    )
    assert "predicted chunks" in said
    assert "3" in said


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no folder", "policy/last: policy: found 'nothing there'"),
        ("no weights", "model.safetensors: file: found 'nothing'"),
        ("cut weights", "model.safetensors: file: found"),
        ("wrong config", "config.json: "),
    ],
)
def test_a_policy_that_is_not_whole(place, capsys, damage, message):
    last = place / "policy/last"
    if damage == "no folder":
        shutil.rmtree(last)
    elif damage == "wrong config":
        (last / "config.json").write_text('{"type": "act-nano", "widhts": 3}')
    else:
        weights = last / "model.safetensors"
        whole = weights.read_bytes()
        weights.unlink()
        if damage == "cut weights":
            weights.write_bytes(whole[:-100])
    said = refused(
        capsys, "evaluate", "--policy", "policy/last", *REACH, "--n", "2", "--workers", "1"
    )
    assert message in said
    assert "policy/last" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--set", "lrr", "1"), "lrr"),
        (("--set", "lr", "[1"), "--set: lr: found '[1'"),
        (("--set", "lr", "1", "lr.deep", "1"), "--set: lr.deep: 'lr' is a value"),
        (("--epochs", "3"), "expected exactly one of minutes, steps, epochs"),
        (("--policy", "act-nona"), "policy: found 'act-nona'"),
        (("--cameras", "wrist"), "wrist"),
        (("--n-action-steps", "11"), "n_action_steps: found 11"),
    ],
)
def test_wrong_settings_of_training(place, capsys, args, message):
    said = refused(capsys, "train", "--dataset", "data", "--steps", "2", "--out", "new", *args)
    assert message in said
    assert not (place / "new/last").exists()


def test_a_folder_that_holds_a_policy_already(place, capsys):
    said = refused(capsys, "train", "--dataset", "data", "--steps", "2", "--out", "policy")
    assert "--resume goes on from it" in said


def test_raw_recordings_that_are_none(place, capsys):
    assert refused(capsys, "import", "raw", "empty", "new").startswith("empty: */actions.jsonl")
    assert refused(capsys, "import", "raw", "nowhere", "new").startswith("nowhere: ")


@pytest.mark.gl
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MUJOCO_GL", "invalid"),
        ("MUJOCO_GL", "osmesa"),
        ("__EGL_VENDOR_LIBRARY_DIRS", "/nonexistent"),
    ],
)
def test_a_machine_that_cannot_render(shell, name, value):
    if value == "osmesa" and _has_osmesa():
        pytest.skip("this machine can render with OSMesa")
    done = shell.run(
        "generate", "--episodes", "1", "--workers", "1", "--out", "data", **{name: value}
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: cannot render a camera with MUJOCO_GL=")
    assert "apt-get install" in done.stderr
    assert "Traceback" not in done.stderr


def _has_osmesa() -> bool:
    import ctypes.util

    return ctypes.util.find_library("OSMesa") is not None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 4 MiB."""
    point = tmp_path / "disk"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(point)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a filesystem is not allowed here")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


def test_a_disk_that_is_full(shell, small_disk: Path):
    data = small_disk / "data"
    command = ("generate", *REACH, "--episodes", "400", "--workers", "2", "--out", data)
    done = shell.run(*command)
    assert done.returncode == 3, done.stderr
    assert str(small_disk) in done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    grow = ["mount", "-o", "remount,size=200m", str(small_disk)]
    subprocess.run(grow, check=True)
    assert shell.answer(*command)["episodes"] == 400
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=False)


@pytest.mark.slow
def test_a_campaign_without_room_goes_on_when_there_is(shell, small_disk: Path):
    campaign = shell.campaign(runs=str(small_disk), name="trial")
    done = shell.run("run", campaign)
    assert done.returncode == 3, done.stderr
    assert str(small_disk) in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=400m", str(small_disk)], check=True)
    again = shell.run("run", campaign, "--json")
    assert again.returncode in (0, 1), again.stderr
    assert json.loads(again.stdout)["gate"]["n"] == 6
