"""The console: bars, plain lines, or one JSON object."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from loopyard.surface.console import Console, amount_text, duration_text, rate_text


class Ticking:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def plain(clock: Ticking | None = None, *, as_json: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    console = Console(json=as_json, terminal=False, out=out, err=out, monotonic=clock or Ticking())
    return console, out


def test_plain_lines_come_every_few_seconds_and_at_the_end() -> None:
    clock = Ticking()
    console, out = plain(clock)
    with console.progress(40, "episodes", "generate") as bar:
        for _ in range(40):
            clock.now_s += 0.5
            bar.advance(note="6 failed")
    lines = out.getvalue().splitlines()
    assert lines[0] == "generate: 10/40 episodes, 2.0/s, 0:15 left, 6 failed"
    assert lines[-1] == "generate: 40/40 episodes, 2.0/s, took 0:20, 6 failed"
    assert len(lines) == 5


def test_an_unknown_total_shows_no_time_left() -> None:
    clock = Ticking()
    console, out = plain(clock)
    with console.progress(None, "steps", "train") as bar:
        clock.now_s = 10.0
        bar.update(done=5)
    assert out.getvalue().splitlines() == [
        "train: 5 steps, 30.0/min",
        "train: 5 steps, 30.0/min, took 0:10",
    ]


def test_the_total_may_become_known() -> None:
    clock = Ticking()
    console, out = plain(clock)
    with console.progress(None, "steps", "train") as bar:
        clock.now_s = 6.0
        bar.update(done=60, total=120)
    assert out.getvalue().splitlines()[0] == "train: 60/120 steps, 10.0/s, 0:06 left"


def test_json_prints_the_result_and_nothing_else() -> None:
    console, out = plain(as_json=True)
    console.print("hello")
    with console.progress(1, "x", "y") as bar:
        bar.advance()
        bar.update(done=1, total=1, note="z")
    console.result({"rate": 0.5}, "half")
    assert json.loads(out.getvalue()) == {"rate": 0.5}


def test_json_stays_json_whatever_the_numbers() -> None:
    console, out = plain(as_json=True)
    console.result({"a": float("nan"), "b": [float("inf")], "c": np.float32(0.5), "d": "NaN"}, "")
    assert out.getvalue() == '{"a": null, "b": [null], "c": 0.5, "d": "NaN"}\n'


def test_text_prints_the_text() -> None:
    console, out = plain()
    console.print("[not markup]")
    console.warn("careful")
    console.result({"rate": 0.5}, "half")
    assert out.getvalue() == "[not markup]\nwarning: careful\nhalf\n"


def test_an_interrupted_bar_says_no_more() -> None:
    console, out = plain()
    with pytest.raises(KeyboardInterrupt), console.progress(2, "x", "y"):
        raise KeyboardInterrupt
    assert out.getvalue() == ""


def test_bars_on_a_terminal_may_nest_and_text_goes_between() -> None:
    out = io.StringIO()
    console = Console(terminal=True, out=out)
    with console.progress(4, "cycles", "campaign [x]") as outer:
        outer.advance(note="first")
        with console.progress(None, "steps", "train") as inner:
            inner.update(done=5, total=10, note="loss 0.1")
        console.print("[a line]")
        outer.update(done=4)
    text = out.getvalue()
    for part in ("campaign [x]", "4/4 cycles", "5/10 steps", "loss 0.1", "[a line]", "took 0:00"):
        assert part in text
    assert console._rich is None


def test_a_bar_ends_with_an_error() -> None:
    console = Console(terminal=True, out=io.StringIO())
    with pytest.raises(KeyError), console.progress(4, "cycles", "campaign"):
        raise KeyError("x")
    assert console._rich is None


@pytest.mark.parametrize(
    ("done", "total", "text"), [(1, 2, "1/2"), (1.25, 6, "1.2/6"), (3, None, "3"), (0, 0, "0/0")]
)
def test_amounts(done: float, total: float | None, text: str) -> None:
    assert amount_text(done, total) == text


@pytest.mark.parametrize(
    ("done", "seconds", "text"),
    [(0, 1, ""), (1, 0, ""), (5, 2, "2.5/s"), (1, 4, "15.0/min"), (1234, 1, "1234/s")],
)
def test_rates(done: float, seconds: float, text: str) -> None:
    assert rate_text(done, seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
