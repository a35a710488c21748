"""Sending files: what only a browser shows of choosing, storing, uploading, recording (docs/interface.md X5).

Rules of order, parts, retries and limits: tests/js/uploads.test.js, tests/js/attachments-*.test.js.
"""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import PHONE_OPTIONS, Visitor, start_chat


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three pictures, the second of which is none."""
    paths = [tmp_path / name for name in ("pier.jpg", "torn.jpg", "bay.png")]
    Image.new("RGB", (640, 480), "#e08a4a").save(paths[0])
    paths[1].write_bytes(paths[0].read_bytes()[:500])
    Image.new("RGB", (300, 500), "#3a6a8a").save(paths[2])
    return paths


def until_takes_files(visitor: Visitor) -> None:
    composer = visitor.page.locator('[data-view="composer"]')
    expect(composer).to_have_attribute("data-takes-files", "true")


def choose(visitor: Visitor, item: str, *paths: Path) -> None:
    until_takes_files(visitor)
    visitor.page.get_by_role("button", name="Attach").click()
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.get_by_role("menuitem", name=item).click()
    chooser.value.set_files(paths)


def files_of(visitor: Visitor) -> Locator:
    return visitor.page.locator("li[data-state] [data-file], li[data-seq] [data-file]")


def kinds(visitor: Visitor) -> list[str]:
    return files_of(visitor).evaluate_all("(all) => all.map((one) => one.dataset.kind)")


def test_pictures_get_their_order_and_description_by_keyboard_and_a_torn_one_goes_as_a_file(
    visitor: VisitorMaker, photos: list[Path]
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    for each in (alice, bob):
        each.open(room)
    choose(alice, "Photos and videos", *photos)
    tray = alice.page.get_by_role("list", name="Files to send")
    expect(tray.get_by_role("listitem")).to_have_count(3)
    note = alice.page.get_by_role("form", name="Message").get_by_text("torn.jpg can’t be shown as a picture.")
    expect(note).to_have_text("torn.jpg can’t be shown as a picture. It will be sent as a file.")
    expect(alice.box).to_be_focused()

    # The tray is one stop before the message box; arrows move in it, Alt moves the file.
    alice.page.keyboard.press("Shift+Tab")
    alice.page.keyboard.press("Shift+Tab")
    pier = tray.get_by_role("button", name="Photo, pier.jpg")
    expect(pier).to_be_focused()
    alice.page.keyboard.press("Alt+End")
    alice.page.keyboard.press("Alt+ArrowRight")
    expect(pier).to_be_focused()
    alice.page.keyboard.press("Enter")
    alice.page.get_by_role("menuitem", name="Describe…").press("Enter")
    alice.page.keyboard.type("a boat on calm water")
    alice.page.keyboard.press("Enter")
    expect(tray.get_by_role("button", name="described: a boat on calm water")).to_be_focused()
    alice.page.keyboard.press("End")
    alice.page.keyboard.press("Delete")
    expect(tray.get_by_role("listitem")).to_have_count(2)
    alice.page.keyboard.press("Escape")
    expect(alice.box).to_be_focused()
    alice.page.keyboard.type("From the pier")
    alice.page.keyboard.press("Enter")

    expect(tray).to_be_hidden()
    bob.sees("From the pier")
    expect(files_of(bob)).to_have_count(2)
    assert kinds(bob) == ["file", "picture"]
    picture = bob.page.get_by_role("img", name="a boat on calm water")
    bob.until(lambda: picture.evaluate("(image) => image.naturalWidth > 0"), "the picture is shown")
    assert kinds(alice) == ["file", "picture"]


def test_offline_a_picture_and_a_text_wait_in_their_order_over_a_reload(
    visitor: VisitorMaker, photos: list[Path]
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    for each in (alice, bob):
        each.open(room)
    until_takes_files(alice)
    alice.page.route("**/api/v1/attachments**", lambda route: route.abort())
    choose(alice, "Photos and videos", photos[0])
    alice.write("first a picture")
    alice.write("then words")
    alice.sees_state("then words", "pending")
    choose(alice, "File", photos[2])
    expect(files_of(alice)).to_have_count(1)
    expect(bob.bodies()).to_have_count(0)
    alice.page.goto("/chats/")
    expect(alice.page.locator(f'[data-room="{room}"]')).to_contain_text("Draft: bay.png")
    alice.page.unroute("**/api/v1/attachments**")
    alice.open(room)
    bob.sees("first a picture", "then words")
    expect(files_of(bob)).to_have_count(1)
    alice.sees("first a picture", "then words")
    until_takes_files(alice)
    tray = alice.page.get_by_role("list", name="Files to send")
    expect(tray.get_by_role("button", name="File, bay.png")).to_be_visible()
    alice.box.press("Enter")
    expect(files_of(bob)).to_have_count(2)
    assert kinds(bob) == ["picture", "file"]


def test_a_voice_message_is_recorded_paused_heard_and_sent(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    for each in (alice, bob):
        each.open(room)
    until_takes_files(alice)
    alice.page.get_by_role("button", name="Record a voice message").press("Enter")
    recorder = alice.page.get_by_role("form", name="Message").get_by_role("group", name="Voice message")
    expect(recorder.get_by_role("button", name="Send")).to_be_focused()
    expect(recorder.get_by_role("timer")).to_have_text("0:01")
    recorder.get_by_role("button", name="Pause").press("Enter")
    recorder.get_by_role("button", name="Listen").press("Enter")
    expect(recorder.get_by_role("button", name="Listen")).to_be_visible()
    recorder.get_by_role("button", name="Continue recording").press("Enter")
    expect(recorder.get_by_role("timer")).to_have_text("0:02")
    recorder.get_by_role("button", name="Send").press("Enter")
    expect(recorder).to_have_count(0)
    expect(files_of(bob)).to_have_count(1)
    assert kinds(bob) == ["voice"]
    expect(alice.box).to_be_focused()


def test_a_finger_that_slides_back_cancels_the_recording(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice", **PHONE_OPTIONS), visitor("bob")
    alice.open(start_chat(alice, bob))
    until_takes_files(alice)
    button = alice.page.get_by_role("button", name="Record a voice message")
    box = button.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = alice.context.new_cdp_session(alice.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        fingers.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x + across, "y": y + down} for across, down in points]},
        )

    touch("touchStart", (0, 0))
    recorder = alice.page.get_by_role("form", name="Message").get_by_role("group", name="Voice message")
    expect(recorder.get_by_role("timer")).to_have_text("0:01")
    touch("touchMove", (-120, 0))
    touch("touchEnd")
    expect(recorder).to_have_count(0)
    expect(files_of(alice)).to_have_count(0)
    expect(button).to_be_visible()
