"""Is there enough of it, by what the literature and the predecessors found?"""

from __future__ import annotations

from collections.abc import Iterator

from loopyard.data.audit.report import Check
from loopyard.data.audit.thresholds import Thresholds
from loopyard.data.dataset import Dataset


def check_enough(dataset: Dataset, limits: Thresholds) -> Iterator[Check]:
    """Frames, and frames a parameter of the policy they are to train."""
    frames = dataset.num_frames
    yield Check(
        "frames",
        "warn" if frames < limits.frames_warn else "pass",
        f"{frames} frames, {frames / dataset.fps / 60:.1f} min",
        f"at least {limits.frames_warn}",
        part="health",
    )
    share = frames / limits.policy_parameters
    yield Check(
        "frames a parameter",
        "warn" if share < limits.frames_a_parameter_warn else "pass",
        f"{share:.2g} ({frames} frames, {limits.policy_parameters:,} parameters)",
        f"at least {limits.frames_a_parameter_warn:g}, as ACT had",
        part="health",
    )
