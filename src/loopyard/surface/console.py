"""What a command says: bars on a terminal, plain lines elsewhere, one object with ``--json``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PLAIN_EVERY_S = 5.0


class Progress(Protocol):
    """The progress of one piece of work."""

    def advance(self, amount: float = 1, note: str | None = None) -> None:
        """``amount`` more is done. ``note``: a few words beside the bar."""
        ...

    def update(
        self, done: float | None = None, total: float | None = None, note: str | None = None
    ) -> None:
        """Set how much is done, of how much; None leaves a value as it is."""
        ...


class Console:
    """Says things to a person, or one JSON object to a program.

    json: print nothing but the result. terminal: None finds out whether ``out`` is one.
    """

    def __init__(
        self,
        *,
        json: bool = False,
        terminal: bool | None = None,
        out: IO[str] | None = None,
        err: IO[str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.json = json
        self._out = out
        self._err = err
        self._monotonic = monotonic
        if terminal is None:
            terminal = self.out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._terminal = terminal
        self._rich: RichProgress | None = None
        self._bars = 0

    @property
    def out(self) -> IO[str]:
        return self._out or sys.stdout

    @property
    def err(self) -> IO[str]:
        return self._err or sys.stderr

    def print(self, text: str = "") -> None:
        """A line for a person; nothing with ``--json``."""
        if not self.json:
            self._say(text, self.out)

    def warn(self, text: str) -> None:
        """A line on standard error, with ``--json`` as well."""
        self._say(f"warning: {text}", self.err)

    def result(self, obj: dict[str, Any], text: str) -> None:
        """The command's answer: ``obj`` as JSON with ``--json``, else ``text``.

        Numpy values become plain ones; NaN and infinity, which JSON cannot say, become null.
        """
        if self.json:
            from loopyard.store.atomic import plain

            known = json.loads(json.dumps(obj, default=plain), parse_constant=lambda name: None)
            print(json.dumps(known), file=self.out, flush=True)
        elif text:
            self._say(text, self.out)

    @contextmanager
    def progress(self, total: float | None, unit: str, label: str) -> Iterator[Progress]:
        """A bar for ``total`` of ``unit`` (None: unknown); several may run at once."""
        if self.json:
            yield _Silent()
        elif self._terminal:
            yield from self._bar(total, unit, label)
        else:
            lines = _Lines(self, total, unit, label)
            yield lines
            lines.finish()

    def _bar(self, total: float | None, unit: str, label: str) -> Iterator[Progress]:
        if self._rich is None:
            self._rich = _rich_progress(self.out)
            self._rich.start()
        self._bars += 1
        bar = _Bar(self._rich, total, unit, label)
        try:
            yield bar
        finally:
            self._bars -= 1
            if self._bars == 0:
                self._rich.stop()
                self._rich = None

    def _say(self, text: str, stream: IO[str]) -> None:
        if self._rich is not None:
            self._rich.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=stream, flush=True)

    def now_s(self) -> float:
        return self._monotonic()


class _Silent:
    def advance(self, amount: float = 1, note: str | None = None) -> None:
        pass

    def update(
        self, done: float | None = None, total: float | None = None, note: str | None = None
    ) -> None:
        pass


class _Lines:
    """A line every few seconds: for logs."""

    def __init__(self, console: Console, total: float | None, unit: str, label: str) -> None:
        self.console = console
        self.total = total
        self.unit = unit
        self.label = label
        self.done = 0.0
        self.note = ""
        self.start_s = self.said_s = console.now_s()

    def advance(self, amount: float = 1, note: str | None = None) -> None:
        self.update(self.done + amount, note=note)

    def update(
        self, done: float | None = None, total: float | None = None, note: str | None = None
    ) -> None:
        self.done = self.done if done is None else done
        self.total = self.total if total is None else total
        self.note = self.note if note is None else note
        now_s = self.console.now_s()
        if now_s - self.said_s >= PLAIN_EVERY_S:
            self.said_s = now_s
            self.console.print(self.line(now_s - self.start_s))

    def finish(self) -> None:
        self.console.print(self.line(self.console.now_s() - self.start_s, ended=True))

    def line(self, seconds: float, *, ended: bool = False) -> str:
        parts = [f"{self.label}: {amount_text(self.done, self.total)} {self.unit}"]
        parts.append(rate_text(self.done, seconds))
        if ended:
            parts.append(f"took {duration_text(seconds)}")
        elif self.total and self.done > 0:
            left_s = seconds * max(0.0, self.total - self.done) / self.done
            parts.append(f"{duration_text(left_s)} left")
        parts.append(self.note)
        return ", ".join(part for part in parts if part)


class _Bar:
    """A task of the one live display."""

    def __init__(self, rich: RichProgress, total: float | None, unit: str, label: str) -> None:
        self.rich = rich
        self.task = rich.add_task(label, total=total, unit=unit, note="")

    def advance(self, amount: float = 1, note: str | None = None) -> None:
        self.rich.advance(self.task, amount)
        if note is not None:
            self.rich.update(self.task, note=note)

    def update(
        self, done: float | None = None, total: float | None = None, note: str | None = None
    ) -> None:
        self.rich.update(self.task, completed=done, total=total)
        if note is not None:
            self.rich.update(self.task, note=note)


def _rich_progress(out: IO[str]) -> RichProgress:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Figures(ProgressColumn):
        """Amount, rate and time left, worded as in the plain lines."""

        def render(self, task: Task) -> Text:
            seconds = task.finished_time or task.elapsed or 0.0
            text = f"{amount_text(task.completed, task.total)} {task.fields['unit']}"
            if rate := rate_text(task.completed, seconds):
                text += f"  {rate}"
            if task.finished:
                text += f"  took {duration_text(seconds)}"
            elif task.total and task.completed:
                left_s = seconds * (task.total - task.completed) / task.completed
                text += f"  {duration_text(max(0.0, left_s))} left"
            return Text(text)

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        Figures(),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
        console=RichConsole(file=out),
        refresh_per_second=4,
        redirect_stderr=sys.stderr.isatty(),
    )


def amount_text(done: float, total: float | None) -> str:
    """``12/400``, ``1.5/6`` or ``12``: at most one decimal, none where it says nothing."""
    texts = [f"{value:.1f}".removesuffix(".0") for value in (done, total) if value is not None]
    return "/".join(texts)


def rate_text(done: float, seconds: float) -> str:
    """``12.3/s``, or ``4.1/min`` where a second sees less than one; empty before the first."""
    if done <= 0 or seconds <= 0:
        return ""
    rate = done / seconds
    if rate < 1:
        return f"{rate * 60:.1f}/min"
    return f"{rate:.1f}/s" if rate < 100 else f"{rate:.0f}/s"


def duration_text(seconds: float) -> str:
    """``0:07``, ``12:30`` or ``1:02:03``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
