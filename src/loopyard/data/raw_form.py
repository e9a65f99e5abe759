"""The raw form's names.

    OUT/episode_000000/ego.mp4         one file a camera
                       actions.jsonl   one line a frame: frame, time, actions and states by name
                       metadata.json   scenario, result, success_criteria, and what names mean

A line is flat, as the predecessor's: ``{"frame": 0, "time": 0.0, "steering": 0.1, ...}``. A state
channel that bears an action's name is prefixed ``state_``. Keys of ours that recordings of others
do not have: ``executed_<action>``, ``phase``, ``expert_chunk`` (a list, flattened (K, A)).
"""

from __future__ import annotations

from loopyard.core.specs import WorldSpec

RAW_SCHEMA = 1
LINES_FILE = "actions.jsonl"
METADATA_FILE = "metadata.json"
EXPORT_FILE = "export.json"
PREDECESSOR_ACTIONS = ("steering", "throttle", "bucket", "lift")
"""The action channels of a recording that does not tell its own."""

FRAME, TIME, PHASE, CHUNK = "frame", "time", "phase", "expert_chunk"
EXECUTED_PREFIX = "executed_"
STATE_PREFIX = "state_"


def episode_folder(number: int) -> str:
    return f"episode_{number:06d}"


def state_keys(spec: WorldSpec) -> list[str]:
    """The keys of the state channels in a line."""
    taken = {FRAME, TIME, PHASE, CHUNK, *spec.action.names, *executed_keys(spec)}
    return [STATE_PREFIX + name if name in taken else name for name in spec.state.names]


def executed_keys(spec: WorldSpec) -> list[str]:
    """The keys of what drove, beside the labels, in a line."""
    return [EXECUTED_PREFIX + name for name in spec.action.names]
