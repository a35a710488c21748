"""Sending files, for `make screenshots`: a tray, a recording, an upload, a file that the server refuses."""

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.journeys.screenshot_session import ScreenshotSession
from tests.journeys.visitors import PHONE

SKY, SEA, SUN, HILL = "#f0a06a", "#4a6f8a", "#ffe7ae", "#4d4668"


def evening(width: int = 640, height: int = 480) -> bytes:
    """A bay at dusk, as JPEG."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    top, low = (58, 68, 108), (240, 160, 106)
    horizon = height * 6 // 10
    for y in range(horizon):
        share = y / horizon
        colour = tuple(round(a + (b - a) * share) for a, b in zip(top, low, strict=True))
        draw.line([(0, y), (width, y)], fill=colour)
    centre = width * 5 // 8
    radius = height // 9
    draw.ellipse([centre - radius, horizon - radius, centre + radius, horizon + radius], fill=SUN)
    draw.polygon([(0, horizon), (0, horizon - 70), (width // 3, horizon - 20), (width // 2, horizon)], HILL)
    draw.rectangle([0, horizon, width, height], fill=SEA)
    for row in range(4):
        y = horizon + 20 + row * 26
        draw.line([(centre - 60 + row * 12, y), (centre + 60 - row * 12, y)], fill=SUN, width=3)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=88)
    return data.getvalue()


def file(name: str, type: str, data: bytes) -> Any:
    return {"name": name, "mimeType": type, "buffer": data}


def photo(name: str) -> Any:
    return file(name, "image/jpeg", evening())


def choose(page: Page, *files: Any) -> None:
    expect(page.locator('[data-view="composer"]')).to_have_attribute("data-takes-files", "true")
    page.get_by_role("button", name="Attach").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name="Photos and videos").click()
    chooser.value.set_files(list(files))


def send(page: Page) -> None:
    page.get_by_role("form", name="Message").get_by_role("button", name="Send").click()


def tray(session: ScreenshotSession, **options: Any) -> Page:
    page = session.chat("marta", **options)
    choose(page, photo("pier.jpg"), photo("bay-at-dusk-from-the-hill.jpg"))
    expect(page.locator('[data-item][data-kind="picture"] img')).to_have_count(2)
    return page


def recorder(session: ScreenshotSession, **options: Any) -> Page:
    page = session.chat("marta", **options)
    button = page.get_by_role("button", name="Record a voice message")
    button.click()
    expect(page.get_by_role("timer")).to_have_text("0:07")
    return page


def upload(session: ScreenshotSession, **options: Any) -> Page:
    """A picture of which a third has arrived: the next part gets no answer."""
    page = session.chat("marta", **options)
    page.route(
        "**/api/v1/attachments/*",
        lambda route: None if route.request.headers.get("upload-offset", "0") != "0" else route.continue_(),
    )
    choose(page, photo("pier.jpg"), file("route.pdf", "application/pdf", b"%PDF-1.7" + bytes(1_000_000)))
    page.get_by_role("textbox", name="Message").fill("From the pier")
    send(page)
    expect(page.locator('[data-kind="file"][data-upload="sending"]')).to_be_visible()
    expect(page.get_by_role("progressbar", name="Upload").last).not_to_have_attribute("aria-valuenow", "0")
    return page


def refused_file(session: ScreenshotSession, **options: Any) -> Page:
    """A video that is none: browsers do not look into it before it is sent."""
    page = session.chat("marta", **options)
    choose(page, file("waves.mp4", "video/mp4", b"no frames " * 400))
    send(page)
    expect(page.get_by_role("button", name="Send as a file")).to_be_visible()
    return page


SHOTS: dict[str, Callable[[ScreenshotSession], Page]] = {
    "17-phone-recorder-light": lambda session: recorder(session, size=PHONE),
    "25-tray-light": tray,
    "55-upload-dark": lambda session: upload(session, theme="dark"),
    "56-phone-refused-file-light": lambda session: refused_file(session, size=PHONE),
}
