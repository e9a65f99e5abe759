"""Draws the picture of docs/scenarios.md: some failure modes, from a gallery.

    loopyard scenarios gallery --out runs/gallery
    python docs/images/modes.py runs/gallery
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SHOWN = ("FM-A03", "FM-A05", "FM-B01", "FM-B02", "FM-B03", "FM-B04", "FM-B06", "FM-C02")
COLUMNS = 4
EGO, ABOVE = (240, 180), (180, 180)
GAP = 8
PAPER, INK = (251, 250, 247), (35, 38, 43)
LABEL_PX = 22


def main(gallery: str) -> None:
    width, height = EGO[0] + ABOVE[0], EGO[1] + LABEL_PX
    rows = -(-len(SHOWN) // COLUMNS)
    size = COLUMNS * (width + GAP) - GAP, rows * (height + GAP) - GAP
    page = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for index, mode in enumerate(SHOWN):
        x, y = index % COLUMNS * (width + GAP), index // COLUMNS * (height + GAP)
        draw.text((x + 2, y + LABEL_PX / 2), mode, INK, font, anchor="lm")
        for view, place, part in (("ego", x, EGO), ("birds_eye", x + EGO[0], ABOVE)):
            picture = Image.open(Path(gallery) / "images" / f"{mode}-{view}.jpg")
            page.paste(picture.resize(part, Image.Resampling.LANCZOS), (place, y + LABEL_PX))
    page.save(Path(__file__).parent / "modes.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
