"""What starts the supervisor itself: a systemd unit, or a line for cron. Neither needs a login."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from loopyard.surface.watch.campaign import LOOPYARD, Watched

MORE_TO_STOP_S = 30.0


def systemd_unit(campaign: Watched, options: Sequence[str], stop_s: float) -> str:
    """A service of the user's own systemd. options: of `loopyard watch`.

    It starts the supervisor again where that was killed or had a bug, and not where it ended for a
    reason (systemd.service(5), RestartPreventExitStatus=). A stop reaches the supervisor alone,
    which ends the runner; what is left after that is killed (KillMode=mixed).
    """
    words = [*LOOPYARD, "watch", *campaign.words, *options, "--unattended"]
    return f"""\
[Unit]
Description=Loopyard campaign {_unit_text(campaign.name)}

[Service]
Type=exec
WorkingDirectory={_unit_text(str(Path.cwd()))}
ExecStart={" ".join(_unit_word(word) for word in words)}
Restart=on-failure
RestartSec=30
RestartPreventExitStatus=1 2 3
SuccessExitStatus=1 3
KillMode=mixed
TimeoutStopSec={stop_s + MORE_TO_STOP_S:.0f}

[Install]
WantedBy=default.target
"""


def cron_line(campaign: Watched, options: Sequence[str]) -> str:
    """A line of crontab(5) that looks once a minute; where a supervisor lives, it does no more."""
    words = [*LOOPYARD, "watch", *campaign.words, *options, "--unattended"]
    folder = shlex.quote(str(campaign.folder))
    log = shlex.quote(str(campaign.folder / "watch.log"))
    command = f"mkdir -p {folder} && {shlex.join(words)} >> {log} 2>&1"
    place = shlex.quote(str(Path.cwd()))
    return f"* * * * * cd {place} && {command}".replace("%", r"\%") + f" {_mark(campaign)}"


def with_cron_line(table: str, campaign: Watched, options: Sequence[str]) -> str:
    """A crontab with the campaign's line in it once, whatever was there before."""
    others = [line for line in table.splitlines() if not line.endswith(_mark(campaign))]
    return "\n".join([*others, cron_line(campaign, options)]) + "\n"


def _mark(campaign: Watched) -> str:
    """The shell takes it for a comment."""
    return f"# loopyard watch {campaign.folder.absolute()}".replace("%", r"\%")


def _unit_text(text: str) -> str:
    return text.replace("%", "%%")


def _unit_word(word: str) -> str:
    """One word of a command line, quoted as systemd.syntax(7) and systemd.service(5) ask."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return plain if plain == word and not set(word) & set(" \t';") else f'"{plain}"'
