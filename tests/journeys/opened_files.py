"""What sends files, opened for the checks of everything that opens over a chat."""

import base64

from playwright.sync_api import expect

from tests.journeys.sent_files import jpeg
from tests.journeys.visitors import Visitor

PASTE = """({ names, data }) => {
    const clipboardData = new DataTransfer();
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    for (const name of names)
        clipboardData.items.add(new File([bytes], name, { type: name.endsWith("jpg") ? "image/jpeg" : "" }));
    window.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
}"""


def paste_files(alice: Visitor, *names: str) -> None:
    data = base64.b64encode(jpeg(64, 48, "teal")).decode()
    alice.page.evaluate(PASTE, {"names": names, "data": data})


def choose_files_and_record(alice: Visitor) -> None:
    """A picture waits for its upload; a recording is paused; below it are a described picture and a file."""
    page = alice.page
    page.route("**/api/v1/attachments**", lambda route: route.abort())
    composer = page.get_by_role("form", name="Message")
    expect(composer).to_have_attribute("data-takes-files", "true")
    paste_files(alice, "sent.jpg")
    alice.box.press("Enter")
    expect(page.get_by_role("progressbar", name="Upload")).to_be_attached()
    composer.get_by_role("button", name="Record a voice message").press("Enter")
    composer.get_by_role("button", name="Pause").press("Enter")
    expect(composer.get_by_role("button", name="Listen")).to_be_visible()
    paste_files(alice, "pier.jpg", "a name that is longer than its place.pdf")
    composer.get_by_role("button", name="Photo, pier.jpg").press("Enter")
    page.get_by_role("menuitem", name="Describe…").press("Enter")
    page.keyboard.type("a boat")
    page.keyboard.press("Enter")
    expect(composer.get_by_role("button", name="described: a boat")).to_be_focused()
