"""What the engine does about messages: data made again, ends told, settings that change nothing."""

from __future__ import annotations

import pytest

from loopyard.core.errors import DatasetError
from loopyard.cycle.engine import run_campaign
from loopyard.cycle.observer import Silence
from loopyard.store.events import EventLog

ALL = [
    "measure",
    *("generate", "audit", "train", "select"),
    *("relabel", "audit", "train", "select") * 2,
    "gate",
]


@pytest.mark.parametrize("cycle", [1, 2])
def test_data_that_failed_its_audit_is_made_again_with_other_scenes(stage, campaign, cycle):
    stage.verdicts = ["fail"] if cycle == 1 else ["pass", "fail"]
    heard = Hearing()
    made = campaign.folder / f"cycles/0{cycle}/dataset"
    made.mkdir(parents=True)
    (made / "bad").touch()
    result = run_campaign(campaign, heard)
    assert result["gate"]["verdict"] == "promote"
    again = "generate" if cycle == 1 else "relabel"
    expected = list(ALL)
    expected[(expected.index(again)) : expected.index(again)] = [again, "audit"]
    assert stage.calls == expected
    if cycle == 1:
        (first, _), (second, _) = stage.said["generate"]
        assert second.first - first.first >= 40
    else:
        seeds = [{seed for _, seed in scenes} for _, scenes in stage.said["relabel"]]
        assert not seeds[0] & seeds[1]
        assert not seeds[1] & seeds[2]
    assert (made.parent / "dataset.failed/bad").exists()
    told = [line for line in heard.lines if line.startswith(("[BLOCKED]", "[REQUEST]"))]
    assert told == [
        f"[BLOCKED] Training: cycle {cycle}: audit: idle: found 95 %, expected at most 90 %",
        f"[REQUEST] Developer Training: cycle {cycle}: audit: generate this data again, with other "
        "scenes",
    ]


class Hearing(Silence):
    """Keeps every line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize("name", ["discord_webhook_env", "slack_webhook_env"])
def test_who_is_told_may_change_between_runs_and_nothing_is_done_again(stage, campaign, name):
    run_campaign(campaign, Silence())
    stage.calls.clear()
    told = campaign.messages.model_copy(update={name: "LOOPYARD_HOOK"})
    run_campaign(campaign.model_copy(update={"messages": told}), Silence())
    assert stage.calls == []


def test_what_stops_a_campaign_is_told(stage, campaign):
    stage.verdict = "fail"
    heard = Hearing()
    with pytest.raises(DatasetError):
        run_campaign(campaign, heard)
    assert heard.lines[-1].startswith("[BLOCKED] Watcher: stopped: DatasetError: ")
    with EventLog(campaign.folder / "events.sqlite") as log:
        kinds = [event.data["message"]["kind"] for event in log.events("message")]
    assert kinds[-3:] == ["BLOCKED", "REQUEST", "BLOCKED"]
