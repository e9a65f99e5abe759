"""loopyard evaluate: the answer, its exit codes, and what wrong use is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopyard.surface.cli import main
from loopyard.surface.latency import latency_lines

DOTS = Path(__file__).parents[3] / "toy"


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch):
    monkeypatch.syspath_prepend(str(DOTS))


def evaluate(*args: str) -> int:
    return main(["evaluate", "--world", "glue_world:GlueWorld", "--workers", "1", *args])


def test_a_policy_that_stands_still_is_rejected(tmp_path, capsys):
    code = evaluate("--policy", "zero", "--n", "10", "--out", str(tmp_path), "--json")
    answer = json.loads(capsys.readouterr().out)
    assert code == 1
    assert answer["verdict"] == "reject"
    assert answer["n"] == 10
    assert answer["seeds"] == [900_000, 900_009]
    assert (tmp_path / "gate.jsonl").exists()


def test_select_scenes_choose_and_do_not_judge(capsys):
    code = evaluate("--policy", "zero", "--n", "4", "--suite", "select", "--first", "5", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert "verdict" not in answer
    assert answer["seeds"] == [800_005, 800_008]


def test_words_for_people(capsys):
    evaluate("--policy", "zero", "--n", "4", "--latency")
    said = capsys.readouterr().out
    assert "of 4 scenes succeeded" in said
    assert "verdict: " in said
    assert "99th percentile" in said
    assert "ticks later than 100 ms" in said


def test_a_slow_prediction_is_simulated(capsys):
    evaluate("--policy", "zero", "--n", "4", "--delay-ms", "150", "--asynchronous", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert answer["simulated_latency"] == {"delay_ticks": 2, "asynchronous": True}
    assert answer["metrics"]["late_ticks"] == {"mean": 0.0, "n": 4}
    (said,) = latency_lines(answer)
    assert "took 2 ticks, driving on meanwhile: 0.0 late ticks a drive" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--policy", "runs/none"], "runs/none: policy: found 'nothing there'"),
        (["--policy", "zero", "--n", "0"], "first, n: found (0, 0)"),
        (["--policy", "zero", "--n", "100001"], "of its 100000 scenes"),
        (["--policy", "zero", "--floor", "0.99"], "--floor, --target: found"),
        (["--policy", "zero", "--videos", "2"], "out: found None, expected a folder"),
        (["--policy", "zero", "--asynchronous"], "--delay-ms: found 'nothing', expected"),
        (["--policy", "zero", "--delay-ms", "-1"], "delay_ms: found -1.0, expected 0 or more"),
        (
            ["--policy", "zero", "--delay-ms", "2000", "--asynchronous"],
            "delay_ticks: found 20, expected less than the policy's chunk of 20 actions",
        ),
    ],
)
def test_wrong_use_is_named(args, message, capsys):
    assert evaluate(*args) == 2
    assert message in capsys.readouterr().err


def test_report_command_names_what_is_no_run(tmp_path, capsys):
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "expected a run folder" in capsys.readouterr().err


def test_report_command_writes_the_page(tmp_path, capsys):
    (tmp_path / "campaign.yaml").write_text("name: trial\n")
    assert main(["report", str(tmp_path), "--json"]) == 0
    page = json.loads(capsys.readouterr().out)["report"]
    assert "Not finished" in Path(page).read_text()


def test_it_stops_when_the_verdict_is_clear(tmp_path, capsys):
    args = ("--policy", "zero", "--n", "60", "--until-clear", "--out", str(tmp_path))
    code = evaluate(*args, "--json")
    answer = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (answer["verdict"], answer["decided_after"], answer["n_max"]) == ("reject", 3, 60)
    assert answer["n"] < 60
    assert answer["anytime_95"][0] == 0.0
    evaluate(*args)
    assert "nominal: it stopped when the verdict was clear" in capsys.readouterr().out


@pytest.mark.parametrize("until_clear", [(), ("--until-clear",)])
def test_a_draw_with_the_incumbent_promotes_nobody(tmp_path, capsys, until_clear):
    args = ("--policy", "zero", "--against", "zero", "--n", "10", "--out", str(tmp_path))
    code = evaluate(*args, "--floor", "0.01", "--target", "0.01", "--json", *until_clear)
    answer = json.loads(capsys.readouterr().out)
    assert code == 1
    assert answer["verdict"] == "inconclusive"
    assert (answer["paired"]["wins"], answer["paired"]["losses"]) == (0, 0)
    assert (tmp_path / "gate-incumbent.jsonl").exists()


@pytest.mark.parametrize("asked", [("--until-clear",), ("--against", "zero")])
def test_scenes_to_choose_on_do_not_judge(asked, capsys):
    code = evaluate("--policy", "zero", "--n", "60", "--suite", "select", *asked)
    assert code == 2
    assert "seed: found '800000 of the select range'" in capsys.readouterr().err


def test_too_few_scenes_to_promote_on_are_named_before_any_drive(capsys):
    assert evaluate("--policy", "zero", "--n", "20", "--until-clear") == 2
    assert "n_max: found 20, expected at least 29" in capsys.readouterr().err
