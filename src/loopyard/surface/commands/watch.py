"""Keep a campaign going: start its runner, and again where it died, froze or got stuck.

It ends with the runner's verdict. Ctrl-C stops both; give the same command again to go on.

Example: loopyard watch configs/demo.yaml
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from loopyard.surface.console import Console

if TYPE_CHECKING:
    from loopyard.surface.watch.campaign import Watched
    from loopyard.surface.watch.limits import Limits


@dataclass(frozen=True)
class Options:
    """Which campaign, and how patient to be with its runner."""

    campaign: Annotated[Path, tyro.conf.Positional]
    """the campaign, a YAML file, or the run folder of one that was begun"""
    set: Annotated[tyro.conf.UseAppendAction[list[str]], tyro.conf.arg(metavar="A.B=C")] = field(
        default_factory=list
    )
    """a setting to change, as often as needed"""
    stuck_after_s: float = 600.0
    """without progress, a runner that lives is stuck"""
    frozen_after_s: float = 60.0
    """without a heartbeat, which comes every 5 s, it is frozen"""
    stop_within_s: float = 60.0
    """time to write a checkpoint when asked to stop; then it is killed"""
    tries: int = 3
    """failures of the same step before the campaign is paused"""
    backoff_s: float = 2.0
    """before the first new start; doubles with each further failure of the step"""
    unattended: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """for systemd and cron: leave alone what is watched already, done, paused or stopped"""
    write_systemd: Path | None = None
    """write a systemd unit that does this after every boot, and end; - prints it"""
    write_cron: Path | None = None
    """put a line that does this into that crontab file, and end; - prints the line"""


def run(options: Options, console: Console) -> int:
    """0 promoted, 1 rejected or inconclusive, 2 nothing to restart, 3 paused or stopped."""
    from loopyard.surface.watch.campaign import watched

    campaign, limits = watched(options.campaign, options.set), _limits(options)
    if options.write_systemd is not None or options.write_cron is not None:
        return _write(options, campaign, limits, console)
    return _watch(options, campaign, limits, console)


def _watch(options: Options, campaign: Watched, limits: Limits, console: Console) -> int:
    from loopyard.core.errors import LeaseError
    from loopyard.surface.watch.record import Record
    from loopyard.surface.watch.runner import Child
    from loopyard.surface.watch.supervisor import Supervisor

    record = Record.read(campaign.folder) if options.unattended else Record()
    if record.state != "watching":
        return 0
    stdout = 2 if console.json else None  # standard output belongs to the answer
    supervisor = Supervisor(
        campaign.folder, lambda: Child(campaign.command, stdout), record, limits, _speaker(console)
    )
    try:
        code = supervisor.watch()
    except LeaseError:
        if options.unattended:
            return 0
        raise
    console.result({**record.to_dict(), "exit_code": code}, "")
    return code


def _speaker(console: Console) -> Callable[[str], None]:
    from datetime import datetime

    def say(text: str) -> None:
        console.print(f"{datetime.now():%Y-%m-%d %H:%M:%S} watch: {text}")

    return say


def _limits(options: Options) -> Limits:
    from loopyard.core.errors import ConfigError, expected
    from loopyard.surface.watch.limits import Limits

    for name in ("stuck_after_s", "frozen_after_s", "stop_within_s", "tries", "backoff_s"):
        value = getattr(options, name)
        if value <= 0:
            raise ConfigError(expected("watch", f"--{name.replace('_', '-')}", value, "above 0"))
    return Limits(
        frozen_s=options.frozen_after_s,
        stuck_s=options.stuck_after_s,
        stop_s=options.stop_within_s,
        tries=options.tries,
        backoff_s=options.backoff_s,
    )


def _write(options: Options, campaign: Watched, limits: Limits, console: Console) -> int:
    from loopyard.store.atomic import write_text
    from loopyard.surface.watch import outside

    words, texts = _words(options), {}
    if (unit := options.write_systemd) is not None:
        texts[unit] = outside.systemd_unit(campaign, words, limits.stop_s)
    if (table := options.write_cron) is not None:
        others = table.read_text() if table.is_file() else ""
        texts[table] = outside.with_cron_line(others, campaign, words)
    for path, text in texts.items():
        if str(path) != "-":
            write_text(path, text)
    written = {str(path): text for path, text in texts.items()}
    console.result(
        written, "\n".join(text if path == "-" else path for path, text in written.items())
    )
    return 0


def _words(options: Options) -> list[str]:
    """The options that are not the defaults, as they are typed."""
    words = []
    for name in ("stuck_after_s", "frozen_after_s", "stop_within_s", "tries", "backoff_s"):
        value = getattr(options, name)
        if value != getattr(Options, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words
