"""`make icons`: draws the icons of the installed app from static/img/mark.svg, in all sizes."""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.journeys.visitors import CHROMIUM_FLAGS
from tests.rig import programs

IMG = Path(__file__).resolve().parents[1] / "static" / "img"
PAPER = "#f5f4ef"

# Side, the share of it that the mark takes, and the roundness of the corners. A maskable icon may lose
# everything outside the middle 80 %, so its plate reaches the edges; so does Apple's, whose system rounds
# corners.
ICONS = {
    "icon-192.png": (192, 0.86, 0.24),
    "icon-512.png": (512, 0.86, 0.24),
    "icon-maskable-512.png": (512, 0.72, 0),
    "icon-180.png": (180, 0.82, 0),
}


def draw(page: Page, name: str) -> None:
    side, share, roundness = ICONS[name]
    page.set_viewport_size({"width": side, "height": side})
    mark = (
        (IMG / "mark.svg")
        .read_text(encoding="utf-8")
        .replace("<svg ", f'<svg width="{side * share}" height="{side * share}" ', 1)
    )
    plate = (
        f"display: grid; place-items: center; width: {side}px; height: {side}px;"
        f" background: {PAPER}; border-radius: {side * roundness}px"
    )
    page.set_content(f'<body style="margin: 0; background: transparent"><div style="{plate}">{mark}</div>')
    size = (IMG / name).write_bytes(optimized(page.screenshot(omit_background=True)))
    sys.stdout.write(f"static/img/{name}  {size} bytes\n")


def optimized(png: bytes) -> bytes:
    """The same picture in fewer bytes than the browser writes."""
    smaller = io.BytesIO()
    Image.open(io.BytesIO(png)).save(smaller, format="PNG", optimize=True)
    return smaller.getvalue()


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=programs.chromium(), args=CHROMIUM_FLAGS)
        page = browser.new_page()
        for name in ICONS:
            draw(page, name)
        browser.close()


if __name__ == "__main__":
    main()
