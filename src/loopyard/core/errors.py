"""Every error a user may meet, and the exit code it ends a command with.

LoopyardError           exit 2: wrong use or bad input
├── ConfigError         a setting: unknown, of the wrong type, out of range
├── WorldError          a world that cannot be made or does not keep the protocol
│   └── GraphicsError   no way to render on this machine
├── DatasetError        a dataset that is missing, empty, truncated or does not fit
├── CheckpointError     a checkpoint that is missing, incomplete or does not fit
├── ServeError          a policy server out of reach, one that refuses, a message it cannot read
├── TrainingError       training that cannot go on (numbers that stay bad)
├── StoreError          a stored file that is damaged, or a place that cannot keep it safe
│   └── LeaseError      another process works on the same run folder
└── Resumable           exit 3: nothing is lost, the same command goes on from here
    ├── Interrupted     Ctrl-C or SIGTERM
    ├── WorkerError     the system killed a worker process, more than once
    └── NoSpaceError    the disk is full, or too little is left to begin

The message of each names the file or object, the field, what was found and what was expected.
"""

from __future__ import annotations

from typing import ClassVar


class LoopyardError(Exception):
    """Base of every error that is the user's to act on; printed without a traceback."""

    exit_code: ClassVar[int] = 2


class ConfigError(LoopyardError):
    """A setting is unknown, of the wrong type, or out of range."""


class WorldError(LoopyardError):
    """A world cannot be made, or does not keep the world protocol."""


class GraphicsError(WorldError):
    """Nothing on this machine can render a camera."""


class DatasetError(LoopyardError):
    """A dataset is missing, empty, truncated, or does not fit what it is used for."""


class CheckpointError(LoopyardError):
    """A checkpoint is missing, incomplete, or does not fit what it is used for."""


class ServeError(LoopyardError):
    """A policy server cannot be reached or refuses, or a message to or from it cannot be read."""


class TrainingError(LoopyardError):
    """Training cannot go on: loss or gradients stayed non-finite."""


class StoreError(LoopyardError):
    """A stored file differs from its manifest, or cannot be kept safely where it is."""


class LeaseError(StoreError):
    """Another process holds the lease of a run folder, or has taken it over."""


class Resumable(LoopyardError):  # noqa: N818 (it is a kind of ending, not of mistake)
    """The command stopped early; run it again and it goes on from what is committed."""

    exit_code: ClassVar[int] = 3


class Interrupted(Resumable):
    """The user or the system asked the command to stop."""


class WorkerError(Resumable):
    """The system killed a worker process more than once during one job."""


class NoSpaceError(Resumable):
    """The disk is full, or has too little left to begin."""


def expected(where: str, field: str, found: object, wanted: object) -> str:
    """The house form of a message: ``where: field: found X, expected Y``."""
    return f"{where}: {field}: found {found!r}, expected {wanted}"
