"""The messages section: names of secrets, never secrets; ids that can be mentioned."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from loopyard.cycle.messages.settings import MessageSettings

URL = "https://discord.com/api/webhooks/123456789012345678/s3cr3t"


def complaint(data) -> str:
    with pytest.raises(ValidationError) as caught:
        MessageSettings.model_validate(data)
    (error,) = caught.value.errors()
    return str(error.get("ctx", {}).get("error", error["msg"]))


def test_defaults_need_nothing():
    settings = MessageSettings()
    assert settings.channels == {}
    assert (settings.report_every_minutes, settings.approve) == (30.0, "auto")


def test_channels_are_those_that_are_named():
    told = {"ids": {"Watcher": 123456789012345678}, "discord_webhook_env": "HOOK"}
    assert MessageSettings.model_validate(told).channels["discord"][0] == {
        "Watcher": "123456789012345678"
    }
    bot = {"discord_channel": "223456789012345678", "discord_token_env": "TOKEN"}
    assert list(MessageSettings.model_validate(bot).channels) == ["discord"]
    assert list(MessageSettings(slack_webhook_env="S").channels) == ["slack"]


@pytest.mark.parametrize("name", ["discord_webhook_env", "discord_token_env", "slack_webhook_env"])
@pytest.mark.parametrize("value", [URL, [URL], 7])
def test_a_secret_in_the_place_of_its_name_is_refused_unseen(name, value):
    told = complaint({name: value})
    assert "expected the NAME of an environment variable" in told
    assert "s3cr3t" not in told


def test_a_secret_instead_of_settings_is_refused_unseen():
    assert complaint(URL) == "expected settings by name (what was found may be secret)"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"ids": {"Watcher": "bob"}}, "match pattern"),
        ({"ids": {"Boss": "123456789012345678"}}, "Input should be 'Watcher'"),
        ({"slack_ids": {"Watcher": "123456789012345678"}}, "match pattern"),
        ({"report_every_minutes": 0}, "greater than 0"),
        ({"discord_channel": "123456789012345678"}, "found one, expected both"),
        ({"webhook": URL}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_named(data, what):
    assert what in complaint(data)


def test_discord_is_reached_in_one_way():
    both = {"discord_channel": "123456789012345678", "discord_token_env": "T"}
    assert "expected one" in complaint({**both, "discord_webhook_env": "W"})
