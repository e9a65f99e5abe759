"""The whole proof, in small: a policy that learned nothing, and the page that says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.evaluate import evaluate
from loopyard.evaluation.vla.proof import Asked
from loopyard.evaluation.vla.prove import prove
from loopyard.surface.proof_page import write_proof_page


class Quiet:
    def update(self, done=None, total=None, note=None) -> None:
        pass


@contextmanager
def quiet(total: float, unit: str, label: str) -> Iterator[Quiet]:
    yield Quiet()


@pytest.fixture
def asked(trained, scenario: Scenario, tmp_path, monkeypatch) -> Asked:
    one_world = partial(evaluate, lockstep=1)
    monkeypatch.setattr("loopyard.evaluation.vla.prove.evaluate", one_world)
    monkeypatch.setattr("loopyard.evaluation.vla.prove.PREDICTIONS", 2)
    monkeypatch.setattr("loopyard.surface.proof_page.swap_sheet.PAIRS", 1)
    monkeypatch.setattr("loopyard.surface.proof_page.swap_sheet.WIDTH", 40)
    scenes = [(scenario, seed) for seed in range(900_000, 900_002)]
    return Asked(trained.checkpoint, scenes, tmp_path, 0.9, validation_n=1, workers=0)


def test_a_policy_that_learned_nothing_is_told_so(asked: Asked, tmp_path):
    proof = prove(asked, quiet)
    found = proof.to_dict()
    assert found["answer"] == "no"
    assert {"under the target", "disobedient", "blind", "deaf"} <= set(found["words"])
    assert [found[name]["n"] for name in ("success", "swap")] == [2, 2]
    assert set(found["baselines"]) == {"image mask", "text mask", "frame index"}
    assert all(one["n"] == 4 for one in found["baselines"].values())
    assert [part["step"] for part in found["validation"]] == [
        *("like training", "slightly different", "new", "edge case", "edge case"),
    ]
    assert all(part["n"] == 1 for part in found["validation"])
    assert found["success"]["strata"].keys() >= {"boxes", "orientation", "side", "light"}
    assert found["data"]["frames"] > 0
    assert 0 < found["data"]["frames_a_parameter"] < 1
    assert found["training"]["phases"]

    # In each pair the scene is one, and what is asked for is not.
    for one, other in zip(proof.records, proof.swapped, strict=True):
        assert one.seed == other.seed
        sides = {record.drawn["strata"]["side"] for record in (one, other)}
        assert sides == {"left", "right"}

    text = write_proof_page(tmp_path / "index.html", proof).read_text()
    assert "Under the target, disobedient, blind, deaf" in text
    assert text.count("<img src=") == 2 * 5
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_scenes_to_learn_from_prove_nothing(asked: Asked):
    with pytest.raises(ConfigError, match="7 of the train range"):
        prove(replace(asked, scenes=[(asked.scenes[0][0], 7)]), quiet)


def test_a_world_without_another_instruction_is_named(asked: Asked):
    scenes = [(Scenario(world="glue_world:GlueWorld"), 900_000)]
    with pytest.raises(ConfigError, match=r"world glue_world:GlueWorld: found 'none', expected sw"):
        prove(replace(asked, scenes=scenes), quiet)
