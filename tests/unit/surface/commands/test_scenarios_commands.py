"""loopyard scenarios: list, show, sample, gallery, coverage; and evaluate by failure mode."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from loopyard.core.errors import WorldError
from loopyard.core.scenario import Scenario
from loopyard.scenarios.scene_file import read_scenes
from loopyard.surface.cli import main
from loopyard.surface.gallery import shots

TOYS = Path(__file__).parents[3] / "toy"
WORLD = "modes_world:ModesWorld"
MODES = f"""\
modes:
  - {{id: FM-U01, text: nothing moves, severity: 9, occurrence: 9, difficulty: 2,
     worlds: {{'{WORLD}': {{params: {{glued_every: 1}}}}}}}}
  - {{id: FM-U02, text: a <glass> stands there, severity: 5, occurrence: 5, difficulty: 5,
     worlds: {{'{WORLD}': {{params: {{hazard: glass}}, draw: {{max_steps: [20, 900]}}}}}}}}
general:
  '{WORLD}': {{draw: {{max_steps: [20, 900]}}}}
"""


@pytest.fixture(autouse=True)
def importable_worlds(monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS))


@pytest.fixture
def own(tmp_path) -> list[str]:
    path = tmp_path / "own.yaml"
    path.write_text(MODES)
    return ["--modes", str(path), "--world", WORLD]


def answer(args: list[str], capsys, code: int = 0) -> dict:
    assert main([*args, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_list_has_every_mode_the_gravest_first(own, capsys):
    rows = answer(["scenarios", "list", *own[:2]], capsys)["modes"]
    assert len(rows) == 34
    assert [row["sps"] for row in rows] == sorted((row["sps"] for row in rows), reverse=True)
    assert rows[0]["id"] == "FM-U01"
    assert main(["scenarios", "list", "--tier", "3"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "5 modes"
    assert "FM-E03     3  1.5" in said


def test_of_a_world_its_own_modes_are_listed_and_the_strata_of_its_scenes(own, capsys):
    found = answer(["scenarios", "list", *own], capsys)
    assert ({row["id"] for row in found["modes"]}, found["strata"]) == ({"FM-U01", "FM-U02"}, [])
    assert main(["scenarios", "list", "--world", "corridor"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "0 modes"
    assert "1box_vert_left_core_close_evening" in said
    assert said[-1].startswith("96 strata: loopyard evaluate --world corridor --suite NAME")
    assert main(["scenarios", "list", "--world", "moon"]) == 2


def test_show_tells_one_mode_and_a_scenario_of_it(capsys):
    told = answer(["scenarios", "show", "FM-B01"], capsys)
    assert (told["tier"], told["expected"]) == (2, "emergency_stop")
    assert Scenario.model_validate(told["example"]).params == {"hazard": "cliff"}
    main(["scenarios", "show", "FM-A07"])
    said = capsys.readouterr().out
    assert "yard: distractors in 5 to 20" in said
    assert "SPS 15.0, tier 2" in said


def test_schemas_say_what_a_file_may_hold(capsys):
    scenario = answer(["scenarios", "show", "--schema", "scenario"], capsys)
    assert scenario["$defs"]["YardParams"]["properties"]["bricks"]["maximum"] == 50
    assert scenario["properties"]["params"]["$ref"] == "#/$defs/YardParams"
    own = answer(["scenarios", "show", "--schema", "scenario", "--world", WORLD], capsys)
    assert "YardParams" not in own["$defs"]
    modes = answer(["scenarios", "show", "--schema", "modes"], capsys)
    assert modes["$defs"]["FailureMode"]["properties"]["severity"]["maximum"] == 10


def test_sample_writes_one_scene_a_line(tmp_path, capsys):
    out = tmp_path / "scenarios.jsonl"
    told = answer(["scenarios", "sample", "--n", "60", "--seed", "2", "--out", str(out)], capsys)
    scenes = read_scenes(out)
    assert (told["n"], told["distinct"], len(scenes)) == (60, 60, 60)
    assert told["tiers"] == {"general": 21, "tier 1": 18, "tier 2": 15, "tier 3": 6}
    assert [scene.seed for scene in scenes[:2]] == [40_000, 40_001]


def test_sampled_scenes_are_a_suite(own, tmp_path, capsys):
    scenes = tmp_path / "mine.jsonl"
    mix = ["--mix", "0.2", "0.4", "0.4", "0"]
    answer(["scenarios", "sample", *own, *mix, "--n", "10", "--out", str(scenes)], capsys)
    args = ["evaluate", "--policy", "expert", "--suite", str(scenes), "--workers", "1"]
    told = answer(args, capsys)
    assert (told["suite"], told["n"], told["scenarios"]) == ("mine", 10, 10)
    assert {id: mode["n"] for id, mode in told["modes"].items()} == {
        "general": 2,
        "FM-U01": 4,
        "FM-U02": 4,
    }


def test_evaluate_tells_success_and_violations_by_mode(own, tmp_path, capsys):
    args = ["evaluate", "--policy", "expert", *own, "--n", "3", "--workers", "1"]
    args += ["--suite", "all-modes", "--out", str(tmp_path / "out")]
    told = answer(args, capsys)
    assert told["suite"] == "all-modes"
    assert {id: (m["n"], m["successes"], m["violations"]) for id, m in told["modes"].items()} == {
        "FM-U01": (3, 0, 0),
        "FM-U02": (3, 3, 3),
    }
    assert "verdict" not in told
    assert main(args) == 0
    said = capsys.readouterr().out
    assert "FM-U02     3 of 3  100%  44% to 100%              3  glass contact" in said
    assert "3 of 6 scenes succeeded" in said
    assert "safety violations in 3 drives" in said

    covered = ["scenarios", "coverage", str(tmp_path / "out"), *own[:2]]
    told = answer(covered, capsys)
    assert (told["rolled_out"], told["passed"], told["generated"]) == (2, 1, 0)
    assert (told["of"], told["with_violations"]) == (34, 1)
    assert main([*covered, "--bar", "1.0"]) == 0
    said = capsys.readouterr().out
    assert "rolled out 2 of 34, passed (100% or more succeeded) 1 of 34" in said


def test_one_mode_and_another_split(own, capsys):
    args = ["evaluate", "--policy", "zero", *own, "--n", "2", "--workers", "1"]
    told = answer([*args, "--suite", "FM-U02", "--split", "select"], capsys)
    assert told["suite"] == "FM-U02-select"
    assert 800_000 <= told["seeds"][0] <= told["seeds"][1] < 900_000


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["scenarios", "show", "FM-Z99"], "failure modes: id: found 'FM-Z99'"),
        (["scenarios", "show"], "scenarios show: id: found None"),
        (["scenarios", "show", "--schema", "scenario", "--world", "moon"], "world: found 'moon'"),
        (["scenarios", "list", "--modes", "nowhere.yaml"], "nowhere.yaml: file: found 'No such"),
        (["scenarios", "sample", "--out", "x", "--mix", "1", "1", "0", "0"], "--mix: found (1.0"),
        (["scenarios", "sample", "--out", "x", "--params", "bricks", "51"], "bricks: found 51"),
        (["scenarios", "coverage", "nowhere"], "nowhere: content: found 'none of these'"),
        (["scenarios", "coverage"], "paths: found 'none'"),
        (["scenarios", "coverage", ".", "--bar", "0"], "--bar: found 0.0"),
        (["evaluate", "--policy", "zero", "--suite", "al-modes"], "did you mean all-modes"),
        (["evaluate", "--policy", "zero", "--suite", "none.jsonl"], "none.jsonl: cannot be read"),
        (
            ["evaluate", "--policy", "zero", "--suite", "general", "--first", "3"],
            "--first: found 3",
        ),
        (["evaluate", "--policy", "expert", "--latency", "--n", "1"], "a policy that sees observ"),
    ],
)
def test_wrong_use_is_named(args, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "--latency" in args:
        args = [*args, "--world", WORLD, "--workers", "1"]
    assert main(args) == 2
    assert said in capsys.readouterr().err


class Page(HTMLParser):
    """What the page shows and where its pictures lie."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str | None] = []
        self.articles: list[str | None] = []
        self.outside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "img":
            self.images.append(found["src"])
        if tag == "article":
            self.articles.append(found["id"])
        self.outside += [v for v in found.values() if v and "//" in v]


def test_the_gallery_is_a_folder_that_stands_alone(own, tmp_path, capsys):
    out = tmp_path / "gallery"
    told = answer(["scenarios", "gallery", "--out", str(out), *own], capsys)
    assert (told["shown"], told["of"], told["missing"]) == (2, 34, {})
    text = (out / "index.html").read_text()
    page = Page(text)
    assert page.articles == ["FM-U01", "FM-U02"]
    assert page.outside == []
    assert len(page.images) == 4
    assert all((out / str(name)).read_bytes().startswith(b"\xff\xd8") for name in page.images)
    assert "A &lt;glass&gt; stands there" in text
    assert "No recipe for this world: FM-A01" in text


def test_a_mode_without_room_is_shown_as_such(own, tmp_path, capsys, monkeypatch):
    take = shots._take

    def full(world, expert, scene, after_s):
        if scene.scenario.mode == "FM-U02":
            raise WorldError("modes: brick 2: found no free place")
        return take(world, expert, scene, after_s)

    monkeypatch.setattr(shots, "_take", full)
    told = answer(["scenarios", "gallery", "--out", str(tmp_path / "g"), *own], capsys, code=1)
    assert told["missing"] == {"FM-U02": "modes: brick 2: found no free place"}
    assert "brick 2: found no free place" in (tmp_path / "g/index.html").read_text()


@pytest.mark.gl
def test_a_mode_of_the_yard_is_photographed(monkeypatch):
    from loopyard.scenarios.registry import Registry, built_in_registry

    monkeypatch.setattr(shots, "VIEWS", {"ego": (64, 48), "birds_eye": (48, 48)})
    registry = Registry(modes=(built_in_registry()["FM-A03"],))
    (shot,) = shots.take_shots(registry, Scenario(world="yard", preset="mid"), scenes=1)
    assert set(shot.pictures) == {"ego", "birds_eye"}
