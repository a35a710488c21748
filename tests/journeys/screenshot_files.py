"""From a screenshot to a small file of docs/screenshots."""

import sys
from pathlib import Path
from typing import Any, cast

from PIL import Image

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
COLOURS_EXACT = 160  # of 256


def keep(name: str, picture: Image.Image) -> int:
    """In few colours, packed with more patience than a browser has: a third of the bytes, and no eye sees it. Returns the bytes."""
    path = FOLDER / f"{name}.png"
    in_few_colours(picture.convert("RGB")).save(path, optimize=True)
    size = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}  {size // 1_000} kB\n")
    return size


def in_few_colours(picture: Image.Image) -> Image.Image:
    """Surfaces and letters exactly as they are; the rest (edges, emoji) by nearest, so that a green dot is not taken for petrol.

    Pillow's own mapping to a palette is quick and coarse: white comes out as nearly white.
    """
    counted: Any = picture.getcolors(picture.width * picture.height)
    colours = [colour for _, colour in sorted(counted, reverse=True)]
    kept, rest = colours[:COLOURS_EXACT], colours[COLOURS_EXACT:]
    if rest:
        others = Image.new("RGB", (len(rest), 1))
        others.putdata(rest)
        few: Any = others.quantize(
            256 - COLOURS_EXACT, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
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


def beside(cards: list[Image.Image]) -> Image.Image:
    """The first, which is tall, and the others two by two."""
    tall, *others = cards
    width, height = max(one.width for one in cards), max(one.height for one in others)
    sheet = Image.new(
        "RGB", (width * 3, max(tall.height, height * 2)), others[0].convert("RGB").getpixel((0, 0))
    )
    sheet.paste(tall, (0, 0))
    for number, one in enumerate(others):
        sheet.paste(one, ((number % 2 + 1) * width, number // 2 * height))
    return sheet
