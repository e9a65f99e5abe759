"""The ``messages`` section of a campaign: where messages go, who is who, what waits for a yes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from loopyard.cycle.messages.roles import Role

DISCORD_ID = re.compile(r"[0-9]{17,20}")
SLACK_ID = re.compile(r"[UW][A-Z0-9]{5,20}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")

DiscordId = Annotated[str, Field(pattern=f"^{DISCORD_ID.pattern}$", coerce_numbers_to_str=True)]
SlackId = Annotated[str, Field(pattern=f"^{SLACK_ID.pattern}$")]


class MessageSettings(BaseModel):
    """Without a channel, messages go to the console and the event log alone.

    ids, slack_ids: whom ``<@id>`` mentions for a role. discord_webhook_env, discord_token_env and
    slack_webhook_env: the NAME of the environment variable that holds the secret, or of a line in
    the file ``secrets``, which nobody else may read (0600). discord_channel: with a bot's token
    instead of a webhook. report_every_minutes: Training reports at least so often. approve:
    ``manual`` lets a change of configuration wait for `loopyard approve`; without a yes within
    approve_within_minutes the change is not made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: dict[Role, DiscordId] = Field(default_factory=dict)
    slack_ids: dict[Role, SlackId] = Field(default_factory=dict)
    discord_webhook_env: str | None = None
    discord_channel: DiscordId | None = None
    discord_token_env: str | None = None
    slack_webhook_env: str | None = None
    secrets: Path | None = None
    report_every_minutes: float = Field(default=30.0, gt=0.0)
    approve: Literal["auto", "manual"] = "auto"
    approve_within_minutes: float = Field(default=60.0, gt=0.0)

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, data: Any) -> Any:
        if not isinstance(data, dict | MessageSettings):
            raise ValueError("expected settings by name (what was found may be secret)")
        return data

    @field_validator("discord_webhook_env", "discord_token_env", "slack_webhook_env", mode="before")
    @classmethod
    def _is_a_name(cls, value: Any) -> Any:
        if value is None or (isinstance(value, str) and VARIABLE.fullmatch(value)):
            return value
        raise ValueError(
            "found what is no name, and may be the secret itself, expected the NAME of an "
            "environment variable that holds it"
        )

    @model_validator(mode="after")
    def _one_way_to_discord(self) -> MessageSettings:
        if (self.discord_channel is None) != (self.discord_token_env is None):
            raise ValueError("discord_channel and discord_token_env: found one, expected both")
        if self.discord_channel and self.discord_webhook_env:
            raise ValueError("discord_webhook_env: found beside discord_channel, expected one")
        return self

    @property
    def channels(self) -> dict[str, tuple[dict[Role, str], re.Pattern[str]]]:
        """{channel that is configured: (ids of the roles there, what an id looks like)}."""
        found: dict[str, tuple[dict[Role, str], re.Pattern[str]]] = {}
        if self.discord_webhook_env or self.discord_channel:
            found["discord"] = (self.ids, DISCORD_ID)
        if self.slack_webhook_env:
            found["slack"] = (self.slack_ids, SLACK_ID)
        return found
