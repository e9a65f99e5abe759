"""What a supervisor leaves in the run folder, for people and for the supervisor after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from loopyard.core.errors import StoreError
from loopyard.store.atomic import write_json

NAME = "watch.json"
State = Literal["watching", "done", "paused", "stopped", "refused"]
"""done: the verdict is there. paused: a step failed too often. stopped: by a person. refused: the
runner found its settings or data wrong."""


@dataclass
class Record:
    """``watch.json``. failures: of each step. starts: of a runner; started_wall_s: the last one, in
    seconds since the epoch."""

    state: State = "watching"
    reason: str = ""
    starts: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    started_wall_s: float | None = None

    @classmethod
    def read(cls, folder: Path) -> Record:
        """A fresh one where there is none. Raises StoreError where it is not readable."""
        path = folder / NAME
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, OSError) as error:
            raise StoreError(f"{path}: not readable: {error}; remove it") from None

    def write(self, folder: Path) -> None:
        write_json(folder / NAME, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)
