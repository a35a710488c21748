"""Touch: Enter in the message box, a reply by a swipe, the menu on a long press, copying over plain HTTP."""

import re

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import PHONE_OPTIONS, start_chat


def test_on_a_touch_screen_enter_adds_a_line_and_the_button_sends_a_swipe_replies_and_a_long_press_copies(
    visitor: VisitorMaker,
) -> None:
    """As on an iPhone there is no `contextmenu` event, and over plain http no `navigator.clipboard`.

    The browser would take over a finger that moves, unless the style sheet leaves it to the page.
    """
    alice, bob = visitor("alice", **PHONE_OPTIONS), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "meet me at eight")
    alice.context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    alice.open(room)
    alice.until_loaded("message-tools")
    alice.until_idle()
    expect(alice.box).to_have_attribute("enterkeyhint", "enter")
    expect(alice.box).not_to_be_focused()
    alice.box.tap()
    alice.page.keyboard.type("one")
    alice.page.keyboard.press("Enter")
    alice.page.keyboard.type("two")
    expect(alice.box).to_have_value("one\ntwo")
    alice.page.get_by_role("button", name="Send").tap()
    alice.sees("meet me at eight", "one\ntwo")
    expect(alice.box).to_be_focused()
    alice.sees_state("one\ntwo", "sent")

    bubble = alice.message("meet me at eight").locator("article").bounding_box()
    assert bubble
    x, y = bubble["x"] + 20, bubble["y"] + 10
    fingers = alice.context.new_cdp_session(alice.page)
    for steps, begins in ((4, False), (12, True)):
        fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, steps):
            there = [{"x": x + 10 * step, "y": y}]
            fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": there})
        expect(alice.page.locator("li[data-swiped]")).to_have_count(1)
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(alice.page.locator("li[data-swiped]")).to_have_count(0)
        expect(alice.page.locator('[data-part="mode"]')).to_have_count(int(begins))
    expect(alice.box).to_be_focused()
    expect(alice.box).to_have_accessible_description(re.compile("Reply to Bob"))
    # No tap: the browser would take one right after a swipe as the end of a fling.
    alice.page.get_by_role("button", name="Cancel").click()
    expect(alice.page.locator('[data-part="mode"]')).to_have_count(0)

    bubble = alice.message("meet me at eight").locator("article").bounding_box()
    assert bubble
    x, y = bubble["x"] + 20, bubble["y"] + 10
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
