"""The colours of the house: defined here in OKLCH, measured against each other, and written into static/css/tokens.css (`make palette`).

A pair that people could not read makes the tests fail, and so does a style sheet in which somebody changed a colour by hand.
"""

import re
import sys
from collections.abc import Iterator
from math import cos, radians, sin

from tests.rig.environment import ROOT

TOKENS = ROOT / "static" / "css" / "tokens.css"
BEGIN = "        /* first floor: the palette (day, night); written by `make palette` */\n"
END = "\n        /* second floor: meanings */"

Colour = tuple[float, float, float]
"""Lightness in percent, chroma, hue in degrees."""

# By day, and by night.
COLOURS: dict[str, tuple[Colour, Colour]] = {
    "canvas": ((96.6, 0.0065, 88), (17.6, 0.0125, 228)),
    "panel": ((98.7, 0.0035, 88), (20.2, 0.0135, 228)),
    "surface": ((100, 0, 88), (23.6, 0.0145, 228)),
    "sunken": ((94.6, 0.0075, 88), (27.4, 0.016, 228)),
    "line": ((90.6, 0.009, 88), (30.2, 0.016, 228)),
    "line-strong": ((64, 0.016, 225), (52.5, 0.02, 225)),
    "ink": ((25.5, 0.022, 228), (94.6, 0.006, 90)),
    "ink-soft": ((42.5, 0.02, 228), (80, 0.012, 220)),
    "ink-faint": ((50.5, 0.018, 228), (71, 0.014, 222)),
    "accent": ((44.5, 0.078, 214), (77, 0.088, 205)),
    "accent-hover": ((39, 0.0692, 214), (82.5, 0.08, 205)),
    "on-accent": ((99.2, 0.004, 210), (20.5, 0.03, 222)),
    "accent-soft": ((93.2, 0.024, 210), (30.5, 0.034, 220)),
    "accent-line": ((80, 0.045, 212), (45, 0.055, 214)),
    "bubble-peer": ((100, 0, 88), (26.4, 0.016, 228)),
    "bubble-peer-ink": ((25.5, 0.022, 228), (94.6, 0.006, 90)),
    "bubble-peer-meta": ((50.5, 0.018, 228), (73.5, 0.014, 222)),
    "bubble-peer-link": ((44.5, 0.09, 232), (82, 0.085, 215)),
    "bubble-own": ((43.5, 0.075, 216), (39, 0.062, 218)),
    "bubble-own-ink": ((99, 0.006, 210), (98, 0.006, 210)),
    "bubble-own-meta": ((88.5, 0.03, 210), (86.5, 0.028, 210)),
    "bubble-own-link": ((93, 0.05, 196), (92, 0.055, 196)),
    "quote-own": ((38, 0.066, 216), (33, 0.052, 218)),
    "quote-peer": ((95.4, 0.01, 215), (31, 0.02, 226)),
    "clay": ((56.2, 0.15, 40), (74, 0.125, 48)),
    "on-clay": ((99.5, 0.0031, 60), (22, 0.04, 45)),
    "clay-ink": ((50.5, 0.145, 38), (77, 0.12, 50)),
    "clay-soft": ((94, 0.032, 55), (31, 0.042, 48)),
    "danger": ((51, 0.19, 25), (72.5, 0.15, 24)),
    "on-danger": ((99.5, 0.0025, 25), (20, 0.04, 24)),
    "danger-soft": ((95, 0.0249, 20), (29, 0.05, 24)),
    "danger-line": ((80, 0.085, 22), (48, 0.11, 24)),
    "warn-soft": ((94.6, 0.055, 92), (31, 0.045, 88)),
    "warn-ink": ((39.5, 0.075, 78), (89, 0.085, 92)),
    "ok": ((56, 0.13, 155), (76, 0.15, 155)),
    "ok-ink": ((44, 0.1, 155), (82, 0.13, 155)),
    "ok-soft": ((94.5, 0.035, 155), (30, 0.045, 158)),
    "focus": ((50, 0.15, 252), (80, 0.105, 240)),
    "scrim": ((22, 0.02, 228), (9, 0.01, 228)),
}
# Faces: eight hues at even distances for the eye, not for the wheel.
HUES = (22, 52, 88, 148, 192, 236, 288, 340)
COLOURS |= {
    f"avatar-{number}": ((88, 0.055, hue), (39, 0.056, hue)) for number, hue in enumerate(HUES, start=1)
}
COLOURS |= {
    f"avatar-{number}-ink": ((36, 0.08, hue), (92.5, 0.04, hue)) for number, hue in enumerate(HUES, start=1)
}

# Where, what, on what, and how strong it must be: 7 for what is read at length, 4.5 for other text, 3 for edges and signs.
PAIRS: list[tuple[str, str, str, float]] = [
    ("message area text", "ink", "canvas", 7),
    ("list: name", "ink", "panel", 7),
    ("cards", "ink", "surface", 7),
    ("hovered row: name", "ink", "sunken", 7),
    ("selected row: name", "ink", "accent-soft", 7),
    ("day separator", "ink-soft", "canvas", 4.5),
    ("list: preview", "ink-soft", "panel", 4.5),
    ("hovered row: preview", "ink-soft", "sunken", 4.5),
    ("selected row: preview", "ink-soft", "accent-soft", 4.5),
    ("hints on canvas", "ink-faint", "canvas", 4.5),
    ("list: time", "ink-faint", "panel", 4.5),
    ("field hint, placeholder", "ink-faint", "surface", 4.5),
    ("search placeholder, hovered time", "ink-faint", "sunken", 4.5),
    ("selected row: time", "ink-faint", "accent-soft", 4.5),
    ("text button, link", "accent", "surface", 4.5),
    ("link in list", "accent", "panel", 4.5),
    ("link on canvas", "accent", "canvas", 4.5),
    ("chip text", "accent", "accent-soft", 4.5),
    ("main button", "on-accent", "accent", 4.5),
    ("main button, hover", "on-accent", "accent-hover", 4.5),
    ("incoming text", "bubble-peer-ink", "bubble-peer", 7),
    ("incoming time", "bubble-peer-meta", "bubble-peer", 4.5),
    ("incoming link", "bubble-peer-link", "bubble-peer", 4.5),
    ("quote in incoming", "bubble-peer-ink", "quote-peer", 4.5),
    ("quote author, incoming", "accent", "quote-peer", 4.5),
    ("own text", "bubble-own-ink", "bubble-own", 7),
    ("own time, receipt", "bubble-own-meta", "bubble-own", 4.5),
    ("own link", "bubble-own-link", "bubble-own", 4.5),
    ("quote in own", "bubble-own-ink", "quote-own", 4.5),
    ("quote author, own", "bubble-own-meta", "quote-own", 4.5),
    ("unread badge", "on-clay", "clay", 4.5),
    ("'new messages' label", "clay-ink", "canvas", 4.5),
    ("attention chip", "clay-ink", "clay-soft", 4.5),
    ("attention text", "clay-ink", "surface", 4.5),
    ("error text", "danger", "surface", 4.5),
    ("not-sent text", "danger", "canvas", 4.5),
    ("error in its box", "danger", "danger-soft", 4.5),
    ("danger button", "on-danger", "danger", 4.5),
    ("error summary text", "ink", "danger-soft", 7),
    ("connection banner", "warn-ink", "warn-soft", 4.5),
    ("success note", "ok-ink", "ok-soft", 4.5),
    ("'online' text", "ok-ink", "surface", 4.5),
    ("'online' text in list", "ok-ink", "panel", 4.5),
    ("field border", "line-strong", "surface", 3),
    ("field border in list", "line-strong", "panel", 3),
    ("control border on canvas", "line-strong", "canvas", 3),
    ("focus ring", "focus", "surface", 3),
    ("focus ring", "focus", "canvas", 3),
    ("focus ring", "focus", "panel", 3),
    ("focus ring, selected row", "focus", "accent-soft", 3),
    ("presence dot", "ok", "panel", 3),
    ("presence dot", "ok", "surface", 3),
    ("switch on vs. track line", "accent", "line", 3),
    ("own bubble vs. canvas (information only)", "bubble-own", "canvas", 1.8),
    ("muted badge", "surface", "ink-faint", 4.5),
    ("toast", "surface", "ink", 7),
    *((f"initials {number}", f"avatar-{number}-ink", f"avatar-{number}", 4.5) for number in range(1, 9)),
]


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast of two colours written as "#rrggbb": 1 (the same) to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(hexa: str) -> float:
    red, green, blue = (linear(int(hexa[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def hexadecimal(colour: Colour) -> str:
    """The colour on an ordinary screen; one that no such screen can show keeps its lightness and hue and loses chroma."""
    lightness, chroma, hue = colour
    low, high = 0.0, chroma
    if is_shown(light_of(colour)):
        low = chroma
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (middle, high) if is_shown(light_of((lightness, middle, hue))) else (low, middle)
    return "#" + "".join(
        f"{round(255 * encoded(min(1.0, max(0.0, part)))):02x}" for part in light_of((lightness, low, hue))
    )


def is_shown(light: Colour) -> bool:
    return all(-1e-4 <= part <= 1 + 1e-4 for part in light)


def light_of(colour: Colour) -> Colour:
    """Linear red, green and blue of an OKLCH colour (the matrices of the CSS Color 4 specification)."""
    lightness, chroma, hue = colour[0] / 100, colour[1], radians(colour[2])
    a, b = chroma * cos(hue), chroma * sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
    )


def encoded(linear_part: float) -> float:
    return 12.92 * linear_part if linear_part <= 0.0031308 else 1.055 * linear_part ** (1 / 2.4) - 0.055


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def too_weak() -> Iterator[str]:
    """A sentence for every pair that is too weak by day or by night."""
    for where, front, back, needed in PAIRS:
        for time, index in (("day", 0), ("night", 1)):
            found = contrast(hexadecimal(COLOURS[front][index]), hexadecimal(COLOURS[back][index]))
            if found < needed:
                yield f"{where}: {front} on {back} by {time} has {found:.2f}, needs {needed}"


def written(css: str) -> str:
    """The style sheet with the palette of this file in it."""
    lines = [
        f"        --{name}: light-dark({hexadecimal(day)}, {hexadecimal(night)});\n"
        for name, (day, night) in in_order()
    ]
    pattern = re.compile(re.escape(BEGIN) + r".*?(?=" + re.escape(END) + ")", re.DOTALL)
    if not pattern.search(css):
        raise ValueError(f"{TOKENS.name} has lost the comments between which the palette stands")
    return pattern.sub(lambda _: BEGIN + "".join(lines), css)


def in_order() -> Iterator[tuple[str, tuple[Colour, Colour]]]:
    faces = [name for number in range(1, 9) for name in (f"avatar-{number}", f"avatar-{number}-ink")]
    yield from ((name, COLOURS[name]) for name in [*(name for name in COLOURS if name not in faces), *faces])


def main() -> None:
    weak = list(too_weak())
    if weak:
        sys.exit("Too weak:\n  " + "\n  ".join(weak))
    TOKENS.write_text(written(TOKENS.read_text()))
    sys.stdout.write(
        f"{TOKENS.relative_to(ROOT)}: {len(COLOURS)} colours; {len(PAIRS)} pairs are strong enough by day and by night\n"
    )


if __name__ == "__main__":
    main()
