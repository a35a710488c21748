"""Pictures, voice messages and files as a browser shows them: what does not move, the viewer, playing."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.sent_files import send_files, send_pictures, send_voice, upload
from tests.journeys.visitors import PHONE_OPTIONS, Visitor, start_chat

SHIFTS = """() => {
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
}"""


def open_chat(person: Visitor, room: str) -> None:
    person.open(room)
    person.until_loaded("attachments-media")
    person.until_idle()


def pictures(page: Page) -> Locator:
    return page.locator('[data-kind="picture"] [data-part="open"]')


def viewer(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Pictures of this chat")


def large(page: Page) -> Locator:
    return viewer(page).locator('[data-part="large"]')


def until_shown(person: Visitor, picture: Locator) -> None:
    person.until(
        lambda: bool(picture.evaluate("(image) => image.complete && image.naturalWidth > 0")), "the picture"
    )


def test_pictures_move_nothing_and_open_in_a_viewer_that_keys_cross_and_that_outlives_a_deletion(
    visitor: VisitorMaker,
) -> None:
    """docs/interface.md H5, T8. Words for a picture that is gone, and for a lost connection."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.send(room, "hi")
    bob.send(room, "look")
    first = send_pictures(bob.person, room, "red", body="Red, of course")
    newest = send_pictures(bob.person, room, *["green"] * 6, "blue")
    # The line of new messages would come with the script.
    read = {"delivered": newest, "read": newest}
    assert alice.person.api("PUT", f"/conversations/{room}/receipt", read).is_success
    alice.page.add_init_script(f"({SHIFTS})()")
    open_chat(alice, room)
    page = alice.page
    expect(pictures(page)).to_have_count(8)
    expect(pictures(page).locator("visible=true")).to_have_count(5)
    expect(pictures(page).nth(4)).to_have_accessible_name(re.compile("All green.*3 more"))
    assert page.evaluate("window.shifts") < 0.001

    # By keys alone: the message, Enter, and through the chat.
    page.keyboard.press("Shift+F6")
    page.keyboard.press("Enter")
    expect(viewer(page)).to_be_visible()
    expect(large(page)).to_have_attribute("alt", "All green")
    until_shown(alice, large(page))
    page.keyboard.press("+")
    page.keyboard.press("+")
    figure = viewer(page).locator('[data-part="figure"]')
    expect(figure).to_have_attribute("data-zoomed", "")
    page.keyboard.press("0")
    expect(figure).not_to_have_attribute("data-zoomed", "")
    page.keyboard.press("ArrowLeft")
    expect(large(page)).to_have_attribute("alt", "All red")
    expect(viewer(page)).to_contain_text("Red, of course")
    expect(viewer(page).locator('[data-say="say-status"]')).to_contain_text("All red")

    # Bob deletes what Alice looks at.
    assert bob.person.api("DELETE", f"/conversations/{room}/messages/{first}").is_success
    expect(large(page)).to_have_attribute("alt", "All green")
    expect(viewer(page).locator('[data-say="say-status"]')).to_contain_text("This picture was deleted.")

    # A line that is cut, and comes back.
    alice.context.set_offline(True)
    for _step in range(6):
        page.keyboard.press("ArrowRight")
    expect(large(page)).to_have_attribute("alt", "All blue")
    expect(viewer(page).locator('[data-part="problem-text"]')).to_have_text("No connection.")
    alice.context.set_offline(False)
    until_shown(alice, large(page))
    page.keyboard.press("Escape")
    expect(viewer(page)).to_have_count(0)
    expect(page.locator(f"#message-{newest} article")).to_be_focused()


def test_voice_messages_play_one_after_another_and_keep_their_place(visitor: VisitorMaker) -> None:
    """docs/interface.md T9."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.send(room, "hi")
    open_chat(alice, room)
    for _message in range(2):
        send_voice(bob.person, room)
    page = alice.page
    players = page.get_by_role("group", name="Voice message, 0:01")
    expect(players).to_have_count(2)
    first, second = players.first, players.last
    expect(first).to_have_attribute("data-new", "true")
    expect(page.locator("#say-messages")).to_contain_text("Bob: Voice message, 0:01")
    first.get_by_role("button", name="Play").click()
    expect(second).to_have_attribute("data-playing", "true")
    expect(first).not_to_have_attribute("data-playing", "true")
    expect(second.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("of 0:01"))
    expect(second).not_to_have_attribute("data-playing", "true")
    expect(second).not_to_have_attribute("data-new", "true")
    speed = second.get_by_role("button", name="Speed 1")
    speed.click()
    expect(second.get_by_role("button", name="Speed 1.5")).to_be_visible()

    # Where it was left, it goes on after a reload.
    slider = first.get_by_role("slider")
    slider.evaluate(
        "(slider) => { slider.value = '0.6'; slider.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    open_chat(alice, room)
    expect(players.first.get_by_role("slider")).to_have_value("0.6")


def test_the_files_of_a_chat_on_a_phone_lead_to_their_messages_and_back_closes_the_viewer(
    visitor: VisitorMaker,
) -> None:
    """docs/interface.md N3. What was deleted meanwhile says so instead of leading to an error page."""
    alice, bob = visitor("alice", **PHONE_OPTIONS), visitor("bob")
    room = start_chat(alice, bob)
    alice.send(room, "hi")
    send_pictures(bob.person, room, "red")
    seq = send_files(bob.person, room, upload(bob.person, b"x" * 1_500, "map.pdf", "file"))
    open_chat(alice, room)
    page = alice.page
    pictures(page).first.tap()
    until_shown(alice, large(page))
    address = page.url
    page.go_back()
    expect(viewer(page)).to_have_count(0)
    assert page.url == address

    page.get_by_role("button", name="Bob").tap()
    page.get_by_role("link", name="Photos, files and voice messages").tap()
    expect(pictures(page)).to_have_count(1)
    page.get_by_role("link", name="Files", exact=True).tap()
    alice.until_loaded("attachments-media")
    alice.until_idle()
    row = page.locator('li[data-kind="file"]')
    expect(row).to_contain_text("PDF · 1.5 kB")
    with page.expect_download() as download:
        row.locator('[data-part="save"]').tap()
    assert download.value.suggested_filename == "map.pdf"
    alice.context.set_offline(True)
    row.locator('[data-part="save"]').tap()
    expect(row).to_contain_text("No connection.")
    alice.context.set_offline(False)
    page.get_by_role("link", name="Show map.pdf in the chat").tap()
    expect(page.locator(f"#message-{seq}")).to_be_in_viewport()
