"""diagnose(): from a trace to a diagnosis."""

from __future__ import annotations

from loopyard.evaluation.diagnosis.classes import NEEDED, classify
from loopyard.evaluation.diagnosis.diagnosis import Diagnosis, Finding
from loopyard.evaluation.diagnosis.motion import Motion
from loopyard.evaluation.diagnosis.patterns import find_patterns, looked_for
from loopyard.evaluation.diagnosis.thresholds import THRESHOLDS, Thresholds
from loopyard.evaluation.trace import Trace


def diagnose(trace: Trace, thresholds: Thresholds = THRESHOLDS) -> Diagnosis:
    """What was wrong with a failed drive. A pure function of the trace.

    A world that keeps none of the signals still gets the patterns of actions and events.
    """
    motion = Motion(trace, thresholds)
    missing = tuple(name for name in NEEDED if not trace.has(name))
    failure = None if missing else classify(motion, thresholds)
    patterns = find_patterns(motion, thresholds)
    onset_s = _onset(failure, patterns)
    tick = min(round(onset_s * trace.fps), trace.ticks)
    pose = trace.has("x_m", "y_m")
    onset_m = (float(motion.places[tick, 0]), float(motion.places[tick, 1])) if pose else None
    progress = _progress(trace, tick)
    wanted = looked_for(trace)
    return Diagnosis(failure, patterns, onset_s, onset_m, progress, missing, wanted)


def _onset(failure: Finding | None, patterns: tuple[Finding, ...]) -> float:
    """When what the class says begins; without a class, the pattern that begins last: what holds
    from the start on, such as driving straight ahead, went wrong only later."""
    if failure is not None:
        return failure.evidence.from_s
    return max((pattern.evidence.from_s for pattern in patterns), default=0.0)


def _progress(trace: Trace, tick: int) -> float | None:
    targets = len(trace.layout.get("targets_m", ()))
    if not trace.has("delivered") or not targets:
        return None
    return float(trace.signal("delivered")[tick]) / targets
