"""Touch: the message menu on a long press, and copying without the clipboard API."""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import PHONE_OPTIONS, start_chat


def test_a_long_press_copies_a_message_over_plain_http(visitor: VisitorMaker) -> None:
    """As on an iPhone there is no `contextmenu` event, and over plain http no `navigator.clipboard`."""
    alice, bob = visitor("alice", **PHONE_OPTIONS), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "meet me at eight")
    alice.context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    alice.open(room)
    alice.until_loaded("message-tools")
    alice.until_idle()
    bubble = alice.message("meet me at eight").locator("article").bounding_box()
    assert bubble
    x, y = bubble["x"] + 20, bubble["y"] + 10
    fingers = alice.context.new_cdp_session(alice.page)
    menu = alice.page.get_by_role("menu", name="Message actions")
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    expect(menu).to_be_visible()
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(menu).to_be_visible()
    menu.get_by_role("menuitem", name="Copy text").tap()
    expect(alice.page.locator("#say-status")).to_contain_text("Copied")
    expect(menu).to_be_hidden()
    alice.box.focus()
    alice.box.press("Control+V")
    expect(alice.box).to_have_value("meet me at eight")
