"""Learning from the files of a run folder: what is written, and that it is always the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loopyard.core.errors import DatasetError
from loopyard.cycle.lessons.learn import learn_lessons, ledger_cycles, read_ledger
from loopyard.cycle.lessons.rules import BUILT_IN

DOCS = Path(__file__).parents[4] / "docs/lessons.md"


def written(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*lessons*")}


def three_cycles(cycles, campaign):
    """A bucket that is idle, helped in the third cycle; returns each cycle's campaign."""
    campaigns = [campaign]
    for cycle, percent in ((1, 88.0), (2, 83.0), (3, 61.0)):
        cycles.write(cycle, zero={"bucket": percent})
        _, after = learn_lessons(cycles.run, cycle, campaigns[-1])
        campaigns.append(after)
    return campaigns


def test_the_next_cycles_are_changed_and_the_lesson_is_retired(cycles, campaign):
    campaigns = three_cycles(cycles, campaign)
    weights = [one.scenarios.weights.get("scoop", 1.0) for one in campaigns]
    assert weights == [1.0, 2.0, 4.0, 4.0]
    ledger = read_ledger(cycles.run, 3)
    (entry,) = ledger.entries
    assert entry.state == "retired"
    assert entry.figures == ((1, 0.88), (2, 0.83), (3, 0.61))
    assert ledger_cycles(cycles.run) == [1, 2, 3]


def test_the_pages_are_there_and_the_summary_from_the_third_cycle_on(cycles, campaign):
    cycles.write(1)
    learn_lessons(cycles.run, 1, campaign)
    assert set(written(cycles.run)) == {"cycles/01/lessons.json", "cycles/01/lessons.md"}
    three_cycles(cycles, campaign)
    assert "retired" in (cycles.run / "lessons-summary.md").read_text()
    assert "Escalated" in (cycles.run / "cycles/02/lessons.md").read_text()


def test_learning_again_gives_the_same_bytes_and_the_same_campaigns(cycles, campaign):
    campaigns = three_cycles(cycles, campaign)
    before = written(cycles.run)
    assert three_cycles(cycles, campaign) == campaigns
    assert written(cycles.run) == before


def test_a_campaign_may_only_write_its_lessons_down(cycles, campaign):
    campaign = campaign.model_validate({**campaign.plain(), "lessons": {"apply": False}})
    campaigns = three_cycles(cycles, campaign)
    assert campaigns[-1] == campaign
    assert "lessons.apply is false" in (cycles.run / "cycles/01/lessons.md").read_text()


@pytest.mark.parametrize("yes", [True, False])
def test_changes_may_need_somebodys_yes(cycles, campaign, yes):
    asked = []

    def agree(before, after, why) -> bool:
        asked.append((before, after, why))
        return yes

    cycles.write(1, zero={"bucket": 88.0})
    _, after = learn_lessons(cycles.run, 1, campaign, agree)
    name = "scenarios.weights.scoop"
    assert asked == [({name: 1.0}, {name: 2.0}, "lessons of cycle 1")]
    assert (after != campaign) is yes
    told = (cycles.run / "cycles/01/lessons.md").read_text()
    assert ("not changed: it was not approved" in told) is not yes
    cycles.write(2)
    learn_lessons(cycles.run, 2, campaign, agree)
    assert len(asked) == 1, "nobody is asked where nothing is to be changed"


def test_a_rule_of_the_users_own_teaches_too(cycles, campaign, tmp_path, monkeypatch):
    """The one that the page shows."""
    code = re.search(r"    # my_rules.py\n((?:    .*\n|\n)+)", DOCS.read_text())
    assert code is not None
    (tmp_path / "lesson_rules_of_docs.py").write_text(re.sub(r"(?m)^    ", "", code[1]))
    monkeypatch.syspath_prepend(str(tmp_path))
    rules = {"rules": ["lesson_rules_of_docs:few_collisions"]}
    campaign = campaign.model_validate({**campaign.plain(), "lessons": rules})
    modes = {"FM-B05": {"n": 6, "successes": 5, "violations": 4}}
    cycles.write(1, modes=modes)
    ledger, after = learn_lessons(cycles.run, 1, campaign)
    assert ledger.entries[0].name == "few_collisions: FM-B05"
    assert after.scenarios is not None
    assert after.scenarios.weights == {"FM-B05": 2.0}


def test_a_damaged_ledger_is_named(cycles, campaign):
    three_cycles(cycles, campaign)
    (cycles.run / "cycles/02/lessons.json").write_text('{"cycle": 2, "entries": [3]}')
    with pytest.raises(DatasetError, match=r"02/lessons.json: content: .* a ledger of lessons"):
        learn_lessons(cycles.run, 3, campaign)


def test_every_rule_stands_on_the_page():
    told = re.findall(r"^\| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert told == [rule.__name__ for rule in BUILT_IN]
