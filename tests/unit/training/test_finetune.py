"""loopyard finetune: a patch of new data, a share of old, the scaling of the checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from recorded import SPEC, record

from loopyard.core.specs import Channel, VectorSpec, WorldSpec
from loopyard.policies.checkpoint import load_checkpoint
from loopyard.surface.cli import main
from loopyard.training.journal import read_journal

SMALL = ["--threads", "1", "--set", "warmup_steps", "1", "log_every", "1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``old``, ``patch`` and the ``policy`` that was trained on old."""
    folder = tmp_path_factory.mktemp("finetune")
    record(folder / "old")
    record(folder / "patch", seed=1)
    policy = ["--dataset", str(folder / "old"), "--out", str(folder / "policy"), "--steps", "2"]
    assert main(["train", *policy, "--batch-size", "8", *SMALL]) == 0
    return folder


def finetune(folder: Path, *more: str | Path, out: Path) -> list[str]:
    given = ["--policy", folder / "policy", "--out", out, "--steps", "3", *more, *SMALL]
    return ["finetune", *map(str, given)]


def test_patch_and_rehearsal_share_each_batch(trained, tmp_path, capsys):
    capsys.readouterr()
    patch, old, out = trained / "patch", trained / "old", tmp_path / "out"
    data = ("--patch", patch, "--rehearse", old, "--share", "0.25", "--batch-size", "8")
    assert main([*finetune(trained, *data, out=out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["batch"] == {str(patch): 6, str(old): 2}
    assert answer["patch_share"] == 0.75
    start, tuned = load_checkpoint(trained / "policy"), load_checkpoint(out / "last")
    assert tuned.processing.digest == start.processing.digest
    assert tuned.config == start.config
    assert tuned.facts["settings"]["lr"] == 5e-6
    assert max(row["lr"] for row in read_journal(out / "log.jsonl")) <= 5e-6
    assert main(finetune(trained, *data, out=out)) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*finetune(trained, *data, "--resume", out=out)]) == 0
    assert "6 of" in capsys.readouterr().out


def test_without_rehearsal_it_is_all_patch(trained, tmp_path, capsys):
    capsys.readouterr()
    assert main(finetune(trained, "--patch", trained / "patch", out=tmp_path / "out")) == 0
    assert "100% patch" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["state", "action"])
def test_other_sizes_are_refused(trained, tmp_path, capsys, part):
    three = VectorSpec((Channel("a"), Channel("b"), Channel("c")))
    record(tmp_path / "other", WorldSpec(**{**SPEC.__dict__, part: three}))
    assert main(finetune(trained, "--patch", tmp_path / "other", out=tmp_path / "out")) == 2
    assert f"{part} size of the dataset: found 3, expected 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--patch", "patch", "--share", "1"], "share: found 1.0"),
        (["--patch", "patch", "--rehearse", "nowhere"], "nowhere"),
        (["--patch", "patch", "--minutes", "1"], "budget"),
    ],
)
def test_wrong_use_is_named(trained, tmp_path, capsys, monkeypatch, more, complaint):
    monkeypatch.chdir(trained)
    assert main(finetune(trained, *more, out=tmp_path / "out")) == 2
    assert complaint in capsys.readouterr().err
