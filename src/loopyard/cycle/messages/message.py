"""A message between roles, its text, and the rules it must keep before it is sent.

The predecessor's agents lost hours to messages that reached nobody, since the mention was missing
or written as ``@Name``, and to work that was called done and was not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loopyard.cycle.messages.roles import KINDS, ROLES, Kind, Role

ADDRESSED: tuple[Kind, ...] = ("REQUEST", "HANDOFF")
"""Kinds that ask someone for something, so they name who."""
MENTION = re.compile(r"<@([^>]*)>")
PLAIN_NAME = re.compile(r"(?<![\w<])@&?!?(\w+)")


@dataclass(frozen=True)
class Message:
    """key: one of a kind in its campaign; a second message of that key is not sent.

    text: what there is to say, without kind and address. artifacts: paths in the run folder.
    """

    key: str
    kind: Kind
    sender: Role
    text: str
    to: Role | None = None
    artifacts: tuple[str, ...] = ()

    def line(self, mentions: Mapping[str, str] | None = None) -> str:
        """The message as text. mentions: how a role is addressed; its name where left out."""
        to = f" {(mentions or {}).get(self.to, self.to)}" if self.to else ""
        artifacts = f" ({', '.join(self.artifacts)})" if self.artifacts else ""
        return f"[{self.kind}]{to} {self.sender}: {self.text}{artifacts}"

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "artifacts": list(self.artifacts)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Message:
        return cls(**{**data, "artifacts": tuple(data["artifacts"])})


def refusal(message: Message, folder: Path) -> str:
    """Why a message may be sent nowhere; empty where it may. folder: of the run."""
    if message.kind not in KINDS:
        return f"kind: found {message.kind!r}, expected one of {', '.join(KINDS)}"
    for role in (message.sender, message.to):
        if role is not None and role not in ROLES:
            return f"role: found {role!r}, expected one of {', '.join(ROLES)}"
    if not message.text.strip():
        return "text: found nothing"
    if message.kind in ADDRESSED and message.to is None:
        return f"{message.kind}: found no addressee, expected a role"
    if name := PLAIN_NAME.search(message.text):
        return f"text: found the plain name {name[0]}, which reaches nobody, expected <@id>"
    if message.kind == "DONE" and not message.artifacts:
        return "DONE: found no artifact, expected what was made"
    for artifact in message.artifacts:
        if problem := _artifact_problem(artifact, folder):
            return f"{message.kind}: artifact {artifact}: {problem}"
    return ""


def unreachable(message: Message, ids: Mapping[Role, str], valid: re.Pattern[str]) -> str:
    """Why a message reaches nobody in a channel; empty where it does.

    ids: of the roles there. valid: what an id of that channel looks like.
    """
    if message.to is not None:
        found = ids.get(message.to)
        if found is None or not valid.fullmatch(found):
            what = "no id" if found is None else repr(found)
            return f"to {message.to}: found {what}, expected one that <@id> can mention"
    for mention in MENTION.finditer(message.text):
        if mention[1] not in ids.values():
            return f"text: found {mention[0]}, expected the id of a role"
    return ""


def quoted(text: object) -> str:
    """Foreign words, such as what an audit found, as they may stand in a message's text."""
    return re.sub(r"\s+", " ", str(text)).replace("@", "(at)").strip()


def _artifact_problem(artifact: str, folder: Path) -> str:
    path = folder / artifact
    if not path.resolve().is_relative_to(folder.resolve()):
        return "found a path outside the run folder"
    return "" if path.exists() else f"found nothing at {path}"
