"""Settings: saving on change, by keyboard, with a failing server; pictures and devices."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.accessibility_tree import expect_modal
from tests.journeys.axe import violations
from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import PICTURE
from tests.journeys.visitors import (
    DESK,
    MESSAGE_BOX,
    PHONE,
    Visitor,
    click_outside,
    saving,
    session_cookies,
    start_chat,
    tab_to,
)

SECTIONS = ("profile", "privacy", "appearance", "account", "devices")


def until_still(page: Page) -> None:
    """Wait for the end of animations and the next two frames."""
    page.evaluate("() => Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def setting(page: Page, name: str) -> Locator:
    return page.locator('[data-part="setting"]').filter(has=page.get_by_text(name, exact=True))


def saved(page: Page, name: str) -> Locator:
    return setting(page, name).get_by_role("status")


def test_a_switch_saves_at_once_and_shows_saved_for_two_seconds_and_the_last_of_many_clicks_is_saved(
    visitor: VisitorMaker,
) -> None:
    alice = visitor("alice")
    page = alice.page
    page.clock.install()
    page.goto("/settings/privacy/")
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    receipts, typing = (page.get_by_role("switch", name=name) for name in ("Read receipts", "Typing"))
    below = typing.bounding_box()
    receipts.uncheck()
    expect(saved(page, "Read receipts")).to_have_text("Saved")
    assert typing.bounding_box() == below, "the switch below moved"
    expect(saved(page, "Typing")).to_have_text("")
    page.clock.fast_forward(2_100)
    expect(saved(page, "Read receipts")).to_have_text("")
    with saving(page, times=7):
        for _ in range(7):
            typing.click()
    page.reload()
    expect(receipts).not_to_be_checked()
    expect(typing).not_to_be_checked()
    expect(page.get_by_role("switch", name="Show me in People")).to_be_checked()


def test_a_save_that_fails_or_is_not_answered_in_ten_seconds_is_undone_and_says_why(
    visitor: VisitorMaker,
) -> None:
    """No control waits for ever (K8)."""
    alice = visitor("alice")
    page = alice.page
    page.goto("/settings/privacy/")
    switch = page.get_by_role("switch", name="Typing")
    page.route("**/settings/privacy/", lambda route: route.abort())
    switch.click()
    expect(saved(page, "Typing")).to_have_text("Not saved: the server isn’t responding. Try again.")
    expect(switch).to_be_checked()
    page.get_by_label("New chats").select_option(label="Only with my invite link")
    expect(saved(page, "New chats")).to_contain_text("Not saved")
    expect(page.get_by_label("New chats")).to_have_value("everybody")
    page.unroute_all()
    alice.person.log_out()
    switch.click()
    expect(saved(page, "Typing")).to_have_text("You have been logged out. Reload this page to log in again.")
    expect(switch).to_be_checked()

    page.evaluate("AbortSignal.timeout = () => AbortSignal.abort()")
    waiting: list[Route] = []
    page.route("**/settings/privacy/", lambda route: waiting.append(route))
    switch.click()
    expect(saved(page, "Typing")).to_have_text("Not saved: the server isn’t responding. Try again.")
    expect(switch).to_be_checked()


def test_appearance_settings_apply_at_once_and_in_the_chat(visitor: VisitorMaker) -> None:
    """The theme is also chosen by arrow keys; another language is that of the page at once."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "How large am I?")
    page = alice.page
    page.goto("/settings/appearance/")
    tab_to(page, page.get_by_label("Match system"))
    with saving(page):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Light")).to_be_checked()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    with saving(page, times=4):
        for choice in ("Dark", "Largest"):
            page.get_by_label(choice).check()
        page.get_by_label("Enter key").select_option(label="Enter starts a new line")
        page.get_by_label("Time format").select_option(label="12 hours")
    expect(
        page.locator('html[data-theme="dark"][data-text="largest"][data-enter="line"][data-hours="12"]')
    ).to_have_count(1)
    alice.open(room)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    bubble = page.locator(".message__bubble").first
    assert bubble.evaluate("(bubble) => getComputedStyle(bubble).fontSize") == "20px"
    expect(bubble.locator("time, .message__meta").first).to_contain_text(re.compile("[ap]m", re.IGNORECASE))
    alice.box.press_sequentially("one")
    alice.box.press("Enter")
    alice.box.press_sequentially("two")
    expect(alice.box).to_have_value("one\ntwo")
    alice.box.press("Control+Enter")
    alice.sees("How large am I?", "one\ntwo")
    page.goto("/settings/appearance/")
    page.get_by_label("Language").select_option(label="Русский")
    expect(page.get_by_role("heading", level=1)).to_have_text("Оформление и язык")


def test_every_settings_page_is_reached_by_keyboard(visitor: VisitorMaker) -> None:
    """Tab from one section to the next, with a visible focus."""
    page = visitor("alice").page
    page.goto("/settings/")
    for section in SECTIONS:
        link = page.locator(f'nav a[href="/settings/{section}/"]').last
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.locator(f'nav a[href="/settings/{section}/"]:focus-visible').count():
                break
        link.press("Enter")
        expect(page).to_have_url(re.compile(f"/settings/{section}/$"))
        expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_username_is_checked_while_alice_types_and_a_form_with_errors_keeps_the_text(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    page = alice.page
    page.goto("/settings/profile/")
    hint = page.locator('[data-part="username-says"]')
    field = page.get_by_label("Username")
    field.fill(bob.username)
    expect(hint).to_have_text("This username is taken. Choose another one.")
    field.fill(f"{alice.username}.new")
    expect(hint).to_have_text(f"@{alice.username}.new is available.")
    field.press("Enter")
    expect(page.get_by_text("Saved")).to_be_visible()
    expect(page.locator("nav")).to_contain_text(f"@{alice.username}.new")

    page.get_by_label("About you").fill("Sings in the choir")
    page.get_by_label("Your name").fill("")
    page.get_by_label("Your name").press("Enter")
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("About you")).to_have_value("Sings in the choir")
    assert violations(page) == []


# A file of this size would take seconds through the connection that drives the browser.
CHOOSE_TOO_LARGE = """(input) => {
    const chosen = new DataTransfer();
    chosen.items.add(new File([new Uint8Array(8 * 1_024 * 1_024 + 1)], "me.png", { type: "image/png" }));
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
}"""
RECORD_CROP = """() => {
    const send = window.fetch;
    window.fetch = (url, options) => {
        sessionStorage.crop = options.body.get("crop");
        return send(url, options);
    };
}"""


def choose(page: Page, data: bytes = PICTURE, name: str = "me.png") -> None:
    page.set_input_files("input[name=picture]", {"name": name, "mimeType": "image/png", "buffer": data})


def test_alice_crops_a_picture_with_the_pointer_and_what_cannot_be_saved_is_refused(
    visitor: VisitorMaker,
) -> None:
    """A file that is no picture, one that is too large, and a server that is not reached."""
    page = visitor("alice").page
    page.goto("/settings/profile/")
    says = page.get_by_role("status")
    choose(page, b"I am no picture")
    expect(says.filter(has_text="We can’t read this picture. Choose a JPEG, PNG or WebP.")).to_be_visible()
    page.locator("input[name=picture]").evaluate(CHOOSE_TOO_LARGE)
    expect(says.filter(has_text="Choose a picture of at most 8 MB.")).to_be_visible()

    choose(page)
    image = page.locator(".crop__picture")
    expect(image).to_be_visible()
    until_still(page)
    before = image.bounding_box()
    page.get_by_role("button", name="Larger").click()
    until_still(page)
    after = image.bounding_box()
    assert before
    assert after
    assert after["width"] == pytest.approx(before["width"] * 1.25, rel=0.01)
    middle = after["x"] + after["width"] / 2, after["y"] + after["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 20, middle[1] + 10, steps=4)
    page.mouse.up()
    until_still(page)
    moved = image.bounding_box()
    assert moved
    assert moved["x"] - after["x"] == pytest.approx(20, abs=1)
    assert moved["y"] - after["y"] == pytest.approx(10, abs=1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("input[name=picture]")).to_be_focused()
    choose(page)
    click_outside(page, page.get_by_role("dialog"))
    expect(page.locator("input[name=picture]")).to_be_focused()

    page.route("**/settings/profile/picture/", lambda route: route.abort())
    choose(page)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(says.filter(has_text="Not saved: the server isn’t responding. Try again.")).to_be_visible()


def test_alice_crops_a_picture_by_keyboard_and_bob_sees_it(visitor: VisitorMaker) -> None:
    """On a phone the dialog is a sheet from edge to edge."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    page = alice.page
    page.goto("/settings/profile/")
    choose(page)
    dialog = page.get_by_role("dialog", name="Crop your picture")
    expect(dialog.get_by_role("group")).to_be_focused()
    expect_modal(page)
    page.set_viewport_size(PHONE)
    sheet = dialog.bounding_box()
    assert sheet
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, PHONE["width"], PHONE["height"])
    page.set_viewport_size(DESK)
    dialog.get_by_role("group").focus()
    for key in ("+", "+", "ArrowLeft", "ArrowUp", "-"):
        page.keyboard.press(key)
    page.evaluate(RECORD_CROP)
    dialog.get_by_role("button", name="Save").press("Enter")
    picture = page.locator('main [data-part="avatar"] img')
    expect(picture).to_be_visible()
    left, top, side = map(float, page.evaluate("sessionStorage.crop").split())
    assert side == pytest.approx(0.8)
    assert left == pytest.approx(top)
    assert 0 < left < 0.1, "the crop is not moved up and to the left"
    width = "(image) => image.complete && image.naturalWidth"
    alice.until_equal(lambda: picture.evaluate(width), 256, "the width of the stored picture")
    bob.open(room)
    expect(bob.row(room).locator('[data-part="avatar"] img')).to_be_visible()
    expect(bob.page.locator("header img").first).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(picture).to_have_count(0)


def test_alice_logs_out_another_device_whose_open_chat_says_so_and_keeps_its_draft(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.box.press_sequentially("half a thought")
    alice.until_draft_stored()
    laptop = other_device(visitor, alice)
    laptop.page.goto("/settings/devices/")
    expect(laptop.page.get_by_text("This device", exact=True)).to_have_count(1)
    laptop.page.get_by_role("button", name="Log out everywhere else").press("Enter")
    expect(laptop.page.get_by_text("logged out.")).to_be_visible()
    dialog = alice.page.get_by_role("dialog", name="You have been logged out.")
    expect(dialog).to_contain_text("Your unsent text is kept on this device.")
    expect(alice.box).to_have_value("half a thought")
    alice.page.keyboard.press("Escape")
    alice.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_role("link", name="Log in again").press("Enter")
    expect(alice.page).to_have_url(re.compile("/accounts/login/"))
    alice.log_in(at="")
    assert alice.room == room
    alice.until_ready()
    expect(alice.box).to_have_value("half a thought")


def other_device(visitor: VisitorMaker, alice: Visitor) -> Visitor:
    """Alice's session at a second browser."""
    second = visitor("alice", signed_up=False)
    assert second.username == alice.username
    second.person.log_in()
    second.context.add_cookies(session_cookies(second.person))
    return second


def test_every_chat_links_to_who_can_read_this_and_back(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    alice.page.get_by_role("banner").get_by_role("link", name="Who can read this").or_(
        alice.page.locator("header.peer-header").get_by_role("link", name="Who can read this")
    ).first.click()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Who can read this")
    text = alice.page.locator("main").inner_text()
    for words in (
        "The two people in the chat.",
        "The people who run this server.",
        "not end-to-end encrypted",
    ):
        assert words in text
    alice.page.get_by_role("link", name="Back").click()
    expect(alice.page.locator(MESSAGE_BOX)).to_be_visible()
    assert alice.room == room
