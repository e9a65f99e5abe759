"""A path that ends the process which opens it, as a file that crashes a decoder would."""

from __future__ import annotations

import os


class Crashing:
    def __fspath__(self) -> str:
        os._exit(7)

    def __str__(self) -> str:
        return "crashing"
