"""Scenes to validate on that the corridor's strata do not have, and the four steps they make."""

from __future__ import annotations

from collections.abc import Mapping

from loopyard.core.randomisation import Randomisation
from loopyard.core.scenario import Scenario
from loopyard.worlds.world import ValidationCase

STRATA_OF: Mapping[str, Mapping[str, str]] = {
    "usual": {},
    "new_places": {"layout": "new"},
    "sudden_stop": {"layout": "core", "distance": "stop"},
    "sharp_turn": {"layout": "core", "distance": "turn", "orientation": "horizontal"},
}
"""What scenes of a case are of in any event; the rest of their strata is drawn as ever."""
STARTS_AT: Mapping[str, float] = {"sudden_stop": 0.8}
"""Of full speed, ahead: as fast as the expert cruises."""


def validation_cases(scenario: Scenario) -> tuple[ValidationCase, ...]:
    """The four steps of validation of a policy that learned on scenes of this scenario."""

    def of(case: str) -> Scenario:
        return scenario.model_copy(update={"params": {**scenario.params, "case": case}})

    varied = scenario.model_copy(update={"randomise": Randomisation()})
    return (
        ValidationCase(
            "like training", "like training", scenario, "new scenes of what was trained on"
        ),
        ValidationCase(
            "slightly different",
            "other looks",
            varied,
            "colours, light, camera and the base's speed are drawn anew in each scene",
        ),
        ValidationCase(
            "new",
            "new places",
            of("new_places"),
            "start, boxes, their sizes and the cup stray up to half as far again as in any data",
        ),
        ValidationCase(
            "edge case",
            "sudden stop",
            of("sudden_stop"),
            "the base begins at cruising speed, half a metre before a box",
        ),
        ValidationCase(
            "edge case",
            "sharp turn",
            of("sharp_turn"),
            "a wide box 0.55 to 0.75 m ahead: the way past it is nearly sideways",
        ),
    )


def other_side(scenario: Scenario, side: str) -> Scenario:
    """The scenario in which a scene of this side is the same, but the other side is named."""
    other = "right" if side == "left" else "left"
    return scenario.model_copy(update={"params": {**scenario.params, "side": other}})
