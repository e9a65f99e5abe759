"""loopyard verify: a whole run, and every kind of damage by its name."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from loopyard.core.errors import ConfigError
from loopyard.cycle.products import sealed_products, told_from
from loopyard.cycle.verify import verify_run
from loopyard.store.atomic import staged_folder
from loopyard.store.events import EventLog
from loopyard.surface.cli import main

VIDEO = "cycles/01/rollouts/videos/gate-a.mp4"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(finished, tmp_path / "demo", symlinks=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as a finished campaign leaves it, with text in place of data."""
    run = tmp_path_factory.mktemp("runs") / "demo"
    cycle = run / "cycles/01"
    write(run / "campaign.yaml", "world: yard\n")
    write(run / "measure.json", "{}")
    write(run / "result.json", "{}")
    write(cycle / "dataset/meta/info.json", "{}")
    write(cycle / "dataset/.cache/frames", "")
    write(cycle / "audit.json", "{}")
    for name in ("last", "best", "step_000100"):
        with staged_folder(cycle / "checkpoints" / name) as staging:
            write(staging / "model.safetensors", f"weights of {name}")
    for suite in ("select", "gate", "gate-incumbent"):
        write(cycle / f"rollouts/{suite}.jsonl", "{}\n")
        write(cycle / f"rollouts/{suite}.json", "{}")
        write(cycle / f"rollouts/actions/{suite}-ab12/1.npy", suite)
    write(run / VIDEO, "film")
    with EventLog(run / "events.sqlite") as log:
        for step, facts in (
            ("measure", {}),
            ("plan", {}),
            ("cycle-1/expert", {"dataset": "dataset"}),
            ("cycle-1/audit", {"verdict": "pass"}),
            ("cycle-1/train", {"steps": 100}),
            ("cycle-1/select", {"n": 1}),
            ("cycle-1/told", {}),
            ("gate-1", {"verdict": "promote", "videos": [VIDEO]}),
        ):
            made = sealed_products(run, step, facts)
            log.append("step_done", step=step, key="k", facts=facts, artifacts=made, used_s=1.0)
    (run / "best").symlink_to("cycles/01/checkpoints/last")
    return run


def test_a_whole_run_is_whole_and_left_as_it_is(run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    found = verify_run(run)
    assert found.damages == ()
    assert found.folders == 7
    named = {"measure.json", "cycles/01/dataset", "cycles/01/audit.json", VIDEO}
    with EventLog(run / "events.sqlite") as log:
        told = {name for event in log.events() for name in event.data["artifacts"]}
    assert named < told
    assert len(told) == found.artifacts
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_the_checkpoint_that_was_chosen_is_one_of_what_select_made(run):
    chosen = "cycles/01/checkpoints/step_000100"
    drives = sealed_products(run, "cycle-1/select", {"checkpoint": "last"})
    more = sealed_products(run, "cycle-1/select", {"checkpoint": "step_000100"})
    assert more.keys() - drives.keys() == {chosen}


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("cycles/01/dataset/meta/info.json", cut, "size: found 1"),
        ("cycles/01/dataset/meta/info.json", Path.unlink, "missing"),
        ("cycles/01/dataset/more", Path.touch, "no manifest names it"),
        ("cycles/01/checkpoints/last/model.safetensors", cut, "size: found"),
        ("cycles/01/checkpoints/step_000100/model.safetensors", Path.unlink, "missing"),
        ("cycles/01/checkpoints/best/manifest.json", Path.unlink, "missing"),
        ("cycles/01/audit.json", lambda path: path.write_text("{ }"), "sha256: found"),
        ("cycles/01/rollouts/gate.jsonl", cut, "sha256: found"),
        ("cycles/01/rollouts/actions/gate-ab12/1.npy", cut, "size: found"),
        (VIDEO, Path.unlink, "missing, but the event log"),
        ("best", Path.unlink, "missing, but the event log says promoted"),
        ("result.json", cut, "JSONDecodeError"),
        ("campaign.yaml", lambda path: path.write_text("a: ["), "ParserError"),
    ],
)
def test_each_damage_is_named_and_ends_with_1(run, capsys, name, damage, said):
    damage(run / name)
    found = verify_run(run)
    assert [line for line in found.damages if name in line and said in line], found.damages
    assert main(["verify", str(run)]) == 1
    assert f"damaged: {run}" in capsys.readouterr().out


def test_all_damages_are_named_together(run):
    cut(run / "cycles/01/dataset/meta/info.json")
    (run / VIDEO).unlink()
    assert len(verify_run(run).damages) == 2


def test_a_damaged_log_is_said_and_the_rest_is_still_looked_at(run, capsys):
    log = run / "events.sqlite"
    log.write_bytes(log.read_bytes()[:5000])
    cut(run / "cycles/01/checkpoints/last/model.safetensors")
    assert main(["verify", str(run), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert any("events.sqlite" in line for line in told["damages"])
    assert any("last/model.safetensors" in line for line in told["damages"])
    assert told["whole"] is False


def test_best_may_not_lead_out_of_the_run(run, tmp_path):
    (run / "best").unlink()
    (run / "best").symlink_to(tmp_path)
    assert "expected a checkpoint in the run folder" in verify_run(run).damages[0]


def test_an_event_cannot_name_what_lies_outside(run):
    with EventLog(run / "events.sqlite") as log:
        artifacts = {"../../secret": "0"}
        log.append("step_done", step="x", key="k", facts={}, artifacts=artifacts, used_s=2.0)
    assert "expected a path inside the folder" in verify_run(run).damages[0]


def test_a_checkpoint_that_is_replaced_meanwhile_is_no_damage(run, monkeypatch):
    from loopyard.cycle import verify

    looks: list[int] = []
    assert (
        verify._looked_at_twice(lambda: looks.append(1) or (["odd"] if len(looks) < 2 else []))
        == []
    )
    assert len(looks) == 2


def test_a_dataset_and_an_audit_made_again_take_the_place_of_the_first(run):
    cycle = run / "cycles/01"
    (cycle / "dataset").rename(cycle / "dataset.failed")
    write(cycle / "dataset/meta/info.json", '{"of": "other scenes"}')
    write(cycle / "audit.json", '{"verdict": "pass"}')
    with EventLog(run / "events.sqlite") as log:
        for stage in ("expert again", "audit again"):
            step = f"cycle-1/{stage}"
            made = sealed_products(run, step, {"dataset": "dataset"})
            log.append("step_done", step=step, key="k", facts={}, artifacts=made, used_s=2.0)
    assert verify_run(run).damages == ()


def test_paths_are_told_from_where_they_are_kept():
    told = told_from(Path("/runs/demo"), {"path": "/runs/demo/dataset", "rows": ["/runs/demo", 3]})
    assert told == {"path": "dataset", "rows": ["/runs/demo", 3]}


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(ConfigError, match="expected a run folder"):
        verify_run(tmp_path)
