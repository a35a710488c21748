"""Saves screenshots as small PNG files in docs/screenshots."""

import sys
from pathlib import Path
from typing import Any, cast

from PIL import Image

DIRECTORY = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
EXACT_COLOURS = 160  # of 256


def save_png(name: str, picture: Image.Image) -> int:
    """Save with at most 256 colours: a third of the size without a visible difference.

    Returns the number of bytes.
    """
    path = DIRECTORY / f"{name}.png"
    reduce_colours(picture.convert("RGB")).save(path, optimize=True)
    size = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(DIRECTORY.parents[1])}  {size // 1_000} kB\n")
    return size


def reduce_colours(picture: Image.Image) -> Image.Image:
    """Keep the most frequent colours exactly, and map the others (edges, emoji) to the nearest.

    Pillow's own mapping to a palette is coarse: white becomes nearly white.
    """
    counted: Any = picture.getcolors(picture.width * picture.height)
    colours = [colour for _, colour in sorted(counted, reverse=True)]
    kept, rest = colours[:EXACT_COLOURS], colours[EXACT_COLOURS:]
    if rest:
        others = Image.new("RGB", (len(rest), 1))
        others.putdata(rest)
        few: Any = others.quantize(
            256 - EXACT_COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
        )
        kept += [colour for _, colour in few.convert("RGB").getcolors()]
    index = {colour: number for number, colour in enumerate(kept)}
    for red, green, blue in rest:
        distances = [(red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2 for r, g, b in kept]
        index[red, green, blue] = distances.index(min(distances))
    mapped = Image.frombytes(
        "P", picture.size, bytes(index[colour] for colour in cast(Any, picture).getdata())
    )
    mapped.putpalette([value for colour in kept for value in colour])
    return mapped


def side_by_side(cards: list[Image.Image]) -> Image.Image:
    """One sheet: the first card, which is tall, and the others in two columns."""
    tall, *others = cards
    width, height = max(one.width for one in cards), max(one.height for one in others)
    sheet = Image.new(
        "RGB", (width * 3, max(tall.height, height * 2)), others[0].convert("RGB").getpixel((0, 0))
    )
    sheet.paste(tall, (0, 0))
    for number, one in enumerate(others):
        sheet.paste(one, ((number % 2 + 1) * width, number // 2 * height))
    return sheet
