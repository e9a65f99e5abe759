"""What a campaign tells: heard by all, and its pulse felt."""

from __future__ import annotations

from contextlib import contextmanager

from loopyard.cycle.observer import Pulse, Silence


class Ear(Silence):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def stage(self, name):
        self.heard.append(name)

    @contextmanager
    def progress(self, total, unit, label):
        self.heard.append((total, unit, label))
        yield self.heard.append

    @contextmanager
    def training(self, seconds, label):
        self.heard.append((seconds, label))
        yield self.heard.append


def test_a_pulse_passes_everything_on_and_beats_for_each_unit():
    ear, beats = Ear(), []
    pulse = Pulse(ear, lambda: beats.append(len(ear.heard)))
    pulse.stage("cycle 1")
    with pulse.progress(2, "episodes", "generate") as done:
        done(True)
        done(False)
    with pulse.training(60.0, "train") as on_step:
        on_step("report")
    assert ear.heard == [
        *("cycle 1", (2, "episodes", "generate"), True, False),
        *((60.0, "train"), "report"),
    ]
    assert beats == [3, 4, 6]
    pulse.note("the audit took a while")
    assert len(beats) == 4


def test_silence_says_nothing_whatever_happens(capsys):
    quiet = Silence()
    quiet.stage("gate")
    quiet.note("text")
    with quiet.progress(1, "rollouts", "gate") as done:
        done(True)
    with quiet.training(1.0, "train") as on_step:
        on_step(None)
    assert capsys.readouterr() == ("", "")
