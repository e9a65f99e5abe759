"""A policy that reads, from its data to the proof: it learned next to nothing, and is told so."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.gl, pytest.mark.slow]


def test_a_policy_that_learned_nothing_is_not_proven(shell):
    shell.answer(
        *("generate", "--world", "corridor", "--episodes", "12", "--out", "data"),
        *("--workers", "2"),
    )
    shell.answer(
        *("train", "--dataset", "data", "--policy", "vla-nano", "--steps", "20"),
        *("--out", "run", "--set", "batch_size", "8"),
    )
    proof = ("evaluate", "--vla", "run/last", "--n", "6", "--target", "0.9", "--workers", "2")
    answer = shell.answer(*proof, code=1)
    assert answer["answer"] == "no"
    assert "under the target" in answer["words"]
    assert answer["success"]["n"] == answer["swap"]["n"] == 6
    assert answer["trained_steps"] == 20
    assert (shell.folder / "run/proof/index.html").stat().st_size > 50_000
    assert (shell.folder / "run/proof/proof.json").exists()
    assert list(shell.folder.glob("run/proof/baselines/text-mask-*/last/manifest.json"))
    again = shell.answer(*proof, code=1)
    assert again["success"] == answer["success"]

    refused = shell.run("evaluate", "--vla", "run/last", "--world", "yard:Other")
    assert refused.returncode == 2
    assert "--world: found 'yard:Other', expected corridor" in refused.stderr
