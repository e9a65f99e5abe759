"""The one table of what counts as what. Each value stands with its reason."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


def _value(default: float, why: str) -> float:
    return Field(default=default, gt=0.0, description=why)


class Thresholds(BaseModel):
    """In metres, radians and seconds. They were set on scripted drives of train scenes
    (benchmarks/diagnosis.py) and are judged on gate scenes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reach_margin_m: float = _value(
        0.15, "a target this far beyond the tool's reach, and ahead, counts as reached"
    )
    reach_rad: float = _value(0.6, "ahead: from here on a tool would pass beside the target")
    command: float = _value(0.15, "an action channel over this asks the robot to move")
    still_m: float = _value(0.08, "held up: moved less within still_s, however it was told to move")
    still_rad: float = _value(0.2, "held up: turned less within still_s")
    still_s: float = _value(1.0, "long enough that starting and turning round are no hold-up")
    touch_s: float = _value(
        0.5, "a pressed contact flickers: it holds for so long after it was felt"
    )
    press_m: float = _value(0.1, "held up by what is this near to the tool, felt or not")
    held_up_share: float = _value(
        0.35, "F5, F6: of the open part, held up or touching for a greater share"
    )
    held_up_end_s: float = _value(
        5.0,
        "F5, F6: or to the end of the drive and so long at least; the expert's longest was 1.5 s",
    )
    loop_end_s: float = _value(8.0, "F4: or to the end of the drive and so long at least")
    wall_stuck_s: float = _value(3.0, "WALL_STUCK: the expert was never held up there")
    loop_place_m: float = _value(0.4, "a loop comes back to a place this near")
    lap_place_m: float = _value(0.8, "laps drift: after a whole turn, this near to where it began")
    loop_rad: float = _value(0.5, "a loop comes back with its heading this near")
    loop_period_s: float = _value(25.0, "no loop takes longer")
    loop_mps: float = _value(
        0.12, "a loop moves at least so fast; turning counts at 0.3 m a radian"
    )
    loop_path_m: float = _value(1.0, "and at least so far before it comes back")
    shuffle_s: float = _value(8.0, "reversals are counted over so long")
    shuffle_m: float = _value(0.6, "and lead nowhere: no further than this in that time")
    reversals: float = _value(5.0, "fewer are a correction")
    reversal_mps: float = _value(0.1, "driving slower than this has no direction")
    reversal_radps: float = _value(0.3, "turning slower than this has none either")
    loop_share: float = _value(0.5, "F4: of the open part, looping for a greater share")
    empty_lift: float = _value(0.5, "the tool is raised above this")
    empty_lift_s: float = _value(
        5.0, "LIFTING_LOOP_TRAP: the expert's longest was 2.2 s, after a dump"
    )
    empty_lifts: float = _value(3.0, "LIFTING_LOOP_TRAP: or raised so often with nothing held")
    after_dump_s: float = _value(4.0, "so long after a dump a raised tool is still on its way down")
    stall_s: float = _value(
        8.0, "SEARCH_STALL: at 1.8 rad/s a search has turned twice around by then"
    )
    stall_m: float = _value(0.5, "SEARCH_STALL: and stays within this")
    stall_near_m: float = _value(1.2, "a target nearer than this and ahead is being worked on")
    collapse_spread: float = _value(0.05, "ACTION_COLLAPSE: as near to the median in every channel")
    collapse_share: float = _value(0.98, "ACTION_COLLAPSE: in this share of all ticks")
    jerk_ratio: float = _value(
        2.5, "CHUNK_JERK: median jump at chunk borders over that inside; else they are alike"
    )
    jerk_size: float = _value(
        0.16, "CHUNK_JERK: median jump at a border, of a channel's range of 2"
    )
    drop_s: float = _value(3.0, "a load that is let go over its goal counts within so long")
    scoop_closed: float = _value(0.5, "the tool closes through this share of its way")
    scoop_lift: float = _value(0.3, "only down here is closing it a scoop")
    ghost_m: float = _value(
        0.6, "GHOST_TARGET: the nearest target this far from the tool that closes is no miss"
    )
    ghost_scoops: float = _value(2.0, "GHOST_TARGET: once may be an accident")
    ghost_drive_m: float = _value(0.3, "GHOST_TARGET: it drove so far to get there")
    ghost_drive_s: float = _value(5.0, "GHOST_TARGET: in the time before it closed")
    stopped_s: float = _value(3.0, "STOPPED: a quarter of a corridor's time")
    stopped_m: float = _value(0.3, "STOPPED: and stays within this; the expert never did")
    straight_m: float = _value(
        0.15, "STRAIGHT_AHEAD: steered aside by less than this, where it had to by more; or"
    )
    straight_share: float = _value(
        0.25, "STRAIGHT_AHEAD: by a smaller share of what it had to, to pass"
    )
    straight_least_m: float = _value(
        0.6, "STRAIGHT_AHEAD: so far ahead at least, or it says little"
    )
    hit_near_m: float = _value(0.5, "HIT_BOX, HIT_WALL: shown from where it was last so far away")


THRESHOLDS = Thresholds()
