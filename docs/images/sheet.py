"""A contact sheet of films, a row of moments each: sheet.py OUT.jpg FILM.mp4 ..."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

MOMENTS = 6
WIDTH_PX = 300


def moments(film: Path) -> list[Image.Image]:
    """MOMENTS pictures, evenly spaced, the last one included."""
    with av.open(str(film)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    chosen = np.linspace(0.0, len(frames) - 1, MOMENTS + 1).round().astype(int)[1:]
    height = round(WIDTH_PX * frames[0].height / frames[0].width)
    return [frames[at].resize((WIDTH_PX, height), Image.Resampling.LANCZOS) for at in chosen]


def main() -> None:
    out, films = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    rows = [np.hstack([np.asarray(picture) for picture in moments(film)]) for film in films]
    Image.fromarray(np.vstack(rows)).save(out, quality=80, optimize=True)


if __name__ == "__main__":
    main()
