"""evaluate_until(): one verdict, whatever the blocks and interruptions, and no scene too many."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from loopyard.core.errors import ConfigError
from loopyard.core.scenario import Scenario
from loopyard.evaluation.paired import ChallengerGate, PairedGate
from loopyard.evaluation.record import read_records
from loopyard.evaluation.sequential import SequentialGate
from loopyard.evaluation.sequential_run import evaluate_until, spread_evenly

DOTS = Scenario(world="glue_world:GlueWorld")
SCENES = [(DOTS, seed) for seed in range(900_000, 900_060)]


@pytest.fixture
def homing(importable_worlds):
    """Succeeds on four scenes of five."""
    from glue_world import Homing

    return Homing()


def absolute() -> SequentialGate:
    return SequentialGate(60, target=0.7, floor=0.5)


def test_it_stops_when_the_gate_has_decided(homing):
    judged = evaluate_until(homing, SCENES, absolute(), block=8)
    assert judged.verdict.promoted
    assert judged.verdict.n < 60
    assert 0 <= judged.result.n - judged.verdict.n < 8
    seeds = [record.seed for record in judged.result.records]
    assert seeds == [seed for _, seed in SCENES[: len(seeds)]]
    counted = judged.result.records[: judged.verdict.n]
    assert judged.verdict.successes == sum(record.outcome.success for record in counted)
    assert judged.incumbent is None


@pytest.mark.parametrize("block", [1, 5, 60])
def test_blocks_do_not_change_the_verdict(homing, block):
    usual = evaluate_until(homing, SCENES, absolute(), block=8).verdict
    assert evaluate_until(homing, SCENES, absolute(), block=block).verdict == usual


def test_a_challenger_is_compared_on_the_same_scenes(homing):
    gate = ChallengerGate(absolute(), PairedGate(60))
    judged = evaluate_until(homing, SCENES, gate, against="zero", block=8, workers=0)
    assert judged.verdict.promoted
    assert judged.incumbent is not None
    assert judged.incumbent.by_scene.keys() == judged.result.by_scene.keys()
    paired = judged.verdict.paired
    assert paired is not None
    assert (paired.wins, paired.losses) == (paired.n - -(-paired.n // 5), 0)


def test_it_goes_on_where_it_was_stopped(tmp_path):
    gate = PairedGate(60, futile=0)

    def stop(record: Any) -> None:
        if record.seed == 900_013:
            raise KeyboardInterrupt

    settings: dict[str, Any] = {"against": "random", "out": tmp_path, "block": 6, "workers": 0}
    with pytest.raises(KeyboardInterrupt):
        evaluate_until("zero", SCENES, gate, on_incumbent=stop, **settings)
    driven = len(read_records(tmp_path / "gate.jsonl"))
    assert driven == 18

    judged = evaluate_until("zero", SCENES, PairedGate(60, futile=0), **settings)
    assert judged.result.reused == driven
    assert judged.incumbent is not None
    assert judged.incumbent.reused >= 12
    seeds = [record.seed for record in read_records(tmp_path / "gate.jsonl")]
    assert len(seeds) == len(set(seeds)) == judged.result.n
    for name, result in (("gate", judged.result), ("gate-incumbent", judged.incumbent)):
        assert json.loads((tmp_path / f"{name}.json").read_text())["n"] == result.n
    fresh = {**settings, "out": None}
    assert evaluate_until("zero", SCENES, PairedGate(60, futile=0), **fresh).verdict == (
        judged.verdict
    )


def test_each_drive_is_reported_once(tmp_path):
    seen: list[int] = []
    evaluate_until(
        "zero",
        SCENES,
        absolute(),
        out=tmp_path,
        block=2,
        workers=0,
        on_result=lambda record: seen.append(record.seed),
    )
    assert seen == [seed for _, seed in SCENES[: len(seen)]]


@pytest.mark.parametrize(("seed", "split"), [(800_000, "select"), (799_999, "train")])
def test_scenes_to_learn_from_or_to_choose_on_are_refused(seed, split):
    scenes = [*SCENES[:59], (DOTS, seed)]
    with pytest.raises(ConfigError, match=f"evaluate_until: seed: found '{seed} of the {split}"):
        evaluate_until("zero", scenes, absolute())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenes": SCENES[:50]}, "scenes: found 50, expected 60, the gate's n_max"),
        ({"against": "random"}, "against: found 'random', expected None"),
        ({"gate": PairedGate(60)}, "against: found None, expected an incumbent"),
        ({"block": 0}, "block: found 0"),
        ({"policy": object(), "out": "anywhere"}, "policy: found 'object', expected one with a"),
    ],
)
def test_impossible_requests_are_named(change, message):
    request: dict[str, Any] = {"policy": "zero", "scenes": SCENES, "gate": absolute(), **change}
    with pytest.raises(ConfigError, match=f"evaluate_until: {message}"):
        evaluate_until(request.pop("policy"), request.pop("scenes"), request.pop("gate"), **request)


def test_scenes_of_one_scenario_keep_their_order():
    assert spread_evenly(SCENES) == SCENES


def test_every_stretch_is_a_likeness_of_the_whole():
    sizes = {"FM-A01": 20, "FM-A02": 20, "FM-B01": 60, None: 100}
    scenes, seed = [], 900_000
    for mode, size in sizes.items():
        for number in range(size):
            own = DOTS.model_copy(update={"mode": mode, "params": {"kind": number * 4 // size}})
            scenes.append((own, seed))
            seed += 1
    order = spread_evenly(scenes)
    assert sorted(seed for _, seed in order) == [seed for _, seed in scenes]
    assert order == spread_evenly(scenes)
    for end in range(1, 201):
        so_far = Counter(scenario.mode for scenario, _ in order[:end])
        for mode, size in sizes.items():
            assert abs(so_far[mode] - end * size / 200) <= 2
    kinds = Counter((scenario.mode, scenario.params["kind"]) for scenario, _ in order[:40])
    assert min(kinds.values()) >= 1
    assert len(kinds) >= 12
