"""Search a scenario's parameters for scenes on which a policy fails, and draw where that begins.

It costs the rollouts you give it, so nothing does it by itself. What it needs besides:
pip install "loopyard[search]"

Example: loopyard scenarios search --policy runs/demo/best --preset starter
         --vary max_speed_mps=0.8:1.8 --vary floor_friction=0.1:0.8 --rollouts 200 --out runs/hunt
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from loopyard.surface.console import Console
from loopyard.surface.scenario_options import BaseOptions


@dataclass(frozen=True, kw_only=True)
class Options(BaseOptions):
    """What drives, what is varied about which base, and how much it may cost."""

    policy: str
    """a checkpoint folder, or a baseline: zero, random, expert"""
    vary: Annotated[tuple[str, ...], tyro.conf.UseAppendAction]
    """a number and its ends, NAME=LOW:HIGH; 2 to 8 of them. NAME: a parameter of the world, or
    randomise.NAME for what it can draw anew in each scene, held at a value then"""
    out: Path
    """folder for the answer, the picture, the failing scenes and the rollouts"""
    preset: str = "starter"
    """a named set of the world's parameters"""
    rollouts: int = 200
    """to spend, everything included"""
    scenes: int = 2
    """rollouts at each point that is tried"""
    check: int = 20
    """new scenes for the worst point found, and as many for the base itself"""
    seed: int = 0
    """decides which points are tried, and on which training scenes"""
    boundary: tuple[str, str] | None = None
    """the two parameters of the picture; default: those with the strongest effect"""
    unsafe: bool = False
    """a success that broke a safety rule counts as a failure"""
    mode_out: Path | None = None
    """also write what fails as a failure mode of your own (.yaml), for --modes and campaigns"""
    expert: str | None = None
    """package.module:ClassName for --policy expert, where it is not the world's own"""
    n_action_steps: int | None = None
    """actions of each chunk to execute; default: as the checkpoint says"""
    workers: int = 0
    """processes; 0: one a core"""


def run(options: Options, console: Console) -> int:
    """Searches; 0 whether or not a failure was found."""
    from loopyard.core.machine import usable_cores
    from loopyard.evaluation.adversary.find import find_failures
    from loopyard.evaluation.adversary.search import SearchSettings

    settings = SearchSettings(
        rollouts=options.rollouts,
        scenes=options.scenes,
        check=options.check,
        seed=options.seed,
        unsafe=options.unsafe,
        boundary=options.boundary,
    )
    mode_id = options.open().new_id() if options.mode_out else None
    failures = 0
    with console.progress(options.rollouts, "rollouts", "search") as progress:

        def on_result(record: Any) -> None:
            nonlocal failures
            failures += not record.outcome.success
            progress.advance(1, note=f"{failures} failed")

        answer = find_failures(
            options.policy,
            options.base(),
            ranges(options.vary),
            options.out,
            settings,
            mode_out=options.mode_out,
            mode_id=mode_id,
            on_result=on_result,
            expert=options.expert,
            n_action_steps=options.n_action_steps,
            workers=options.workers or usable_cores(),
        )
    console.result(answer, _text(answer, options))
    return 0


def ranges(texts: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """{name: (low, high)} of ``NAME=LOW:HIGH`` texts.

    Raises:
        ConfigError: another form, or a name twice.
    """
    from loopyard.core.errors import ConfigError, expected

    found: dict[str, tuple[Any, Any]] = {}
    for text in texts:
        name, equals, ends = text.partition("=")
        low, colon, high = ends.partition(":")
        if not (name and equals and low and colon and high):
            raise ConfigError(expected("scenarios search", "--vary", text, "NAME=LOW:HIGH"))
        if name in found:
            raise ConfigError(expected("scenarios search", "--vary", text, f"{name} once"))
        found[name] = (_number(low), _number(high))
    return found


def _number(text: str) -> int | float | str:
    """The text itself where it is no number: the search then says so, with the parameter."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _text(answer: dict[str, Any], options: Options) -> str:
    worst, nominal, boundary = answer["worst"], answer["nominal"], answer["boundary"]
    lines = [
        f"{answer['failures']} of {answer['rollouts']} rollouts failed, at {answer['points']} "
        "points and in the checks",
        f"worst found: {_params(worst['params'])}: {_rate(worst)}",
        f"base: {_params(nominal['params'])}: {_rate(nominal)}",
    ]
    if answer["points_without_room"]:
        lines.append(f"{answer['points_without_room']} points had no room for their scene")
    if not answer["failures"]:
        lines.append("no failure was found: the ranges are too narrow, or the budget too small")
    elif not boundary["half_fail"]:
        lines.append("no boundary: nowhere on the plane does the failure rate cross 50 %")
    if (box := answer["failing_box"]) is not None:
        ends = ", ".join(
            f"{name} {low:g} to {high:g}" for name, (low, high) in box["params"].items()
        )
        lines.append(f"fails most with {ends}: {box['failures']} of {box['rollouts']} that it was")
        lines[-1] += " chosen by"
    lines.append(f"picture ({' and '.join(boundary['parameters'])}): {answer['picture']}")
    if answer["scenarios"]:
        lines.append(f"failing scenes: {answer['scenarios']}")
    if answer["mode"]:
        lines.append(f"failure mode {answer['mode']['id']}: {answer['mode']['file']}")
    elif options.mode_out:
        lines.append("no failure mode written: there is no box in which half of the drives fail")
    return "\n".join(lines)


def _params(params: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in params.items())


def _rate(checked: dict[str, Any]) -> str:
    low, high = checked["wilson_95"]
    unsafe = f", {checked['violations']} unsafe" if checked["violations"] else ""
    return (
        f"{checked['successes']} of {checked['n']} new scenes succeeded "
        f"(Wilson 95 % {low:.1%} to {high:.1%}){unsafe}"
    )
