"""Secrets come from the environment or a file of one's own, and are seen nowhere."""

from __future__ import annotations

import pytest

from loopyard.core.errors import ConfigError
from loopyard.cycle.messages.settings import MessageSettings
from loopyard.surface.notifications.channels import open_channels
from loopyard.surface.notifications.secret import find_secret

URL = "https://discord.example/api/webhooks/123456789012345678/s3cr3t"
NAMED = MessageSettings(discord_webhook_env="LOOPYARD_HOOK", slack_webhook_env="LOOPYARD_SLACK")


@pytest.fixture
def secrets(tmp_path):
    file = tmp_path / "secrets"
    file.write_text(f"# mine\n\nLOOPYARD_HOOK='{URL}'\nOTHER = a=b\n")
    file.chmod(0o600)
    return file


def test_the_environment_comes_before_the_file(secrets):
    found = find_secret("LOOPYARD_HOOK", secrets, {"LOOPYARD_HOOK": "from here"})
    assert found.get_secret_value() == "from here"
    assert find_secret("LOOPYARD_HOOK", secrets, {}).get_secret_value() == URL
    assert find_secret("OTHER", secrets, {}).get_secret_value() == "a=b"
    assert "s3cr3t" not in repr(find_secret("LOOPYARD_HOOK", secrets, {}))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_may_read_is_not_read(secrets, mode):
    secrets.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode: found '{mode:04o}', expected 0600"):
        find_secret("LOOPYARD_HOOK", secrets, {})


def test_what_is_nowhere_is_named(secrets, tmp_path):
    with pytest.raises(ConfigError, match="LOOPYARD_SLACK: found 'nothing', expected it in the"):
        find_secret("LOOPYARD_SLACK", secrets, {})
    with pytest.raises(ConfigError, match="not readable: FileNotFoundError"):
        find_secret("LOOPYARD_SLACK", tmp_path / "none", {})


def test_channels_open_with_what_is_there_and_the_rest_waits(monkeypatch):
    said: list[str] = []
    monkeypatch.setenv("LOOPYARD_HOOK", URL)
    monkeypatch.delenv("LOOPYARD_SLACK", raising=False)
    channels = open_channels(NAMED, said.append)
    assert [channel.name for channel in channels] == ["discord"]
    assert "LOOPYARD_SLACK: found 'nothing'" in said[0]
    assert "wait in the outbox" in said[0]
    for channel in channels:
        channel.close()


@pytest.mark.parametrize(
    "url",
    [
        "s3cr3t",
        "http://discord.example/s3cr3t",
        "https://",
        "https://a:b:c/s3cr3t",
        "file:///s3cr3t",
    ],
)
def test_an_address_that_is_none_is_refused_unseen(monkeypatch, url):
    said: list[str] = []
    monkeypatch.setenv("LOOPYARD_HOOK", url)
    assert open_channels(MessageSettings(discord_webhook_env="LOOPYARD_HOOK"), said.append) == []
    assert "LOOPYARD_HOOK: found 'no such address', expected one of https://" in said[0]
    assert "s3cr3t" not in said[0]
