"""Printing a chat: every loaded message, black on white, and no controls."""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.visitors import start_chat
from tests.rig.daphne_server import EntreServer


def test_a_printed_chat_shows_every_loaded_message_and_no_controls(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob = visitor("alice", color_scheme="dark"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(40), bodies=lambda n: f"line {n - 1}")
    alice.open(room)
    alice.until_idle()
    page = alice.page
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 900})
    for hidden in (
        page.locator('[data-view="list"]'),
        alice.box,
        page.locator('[data-view="toast"]'),
        page.locator("header").get_by_role("link").first,
    ):
        expect(hidden).to_be_hidden()
    first, last = (alice.message(f"line {number}").locator("article").bounding_box() for number in (0, 39))
    assert first
    assert last
    assert (
        first["y"] > 0,
        last["y"] + last["height"] <= page.evaluate("document.documentElement.scrollHeight"),
    ) == (True, True)
    assert last["y"] - first["y"] > 39 * 20, "the messages are not laid out one below the other"
    assert (
        alice.message("line 39").locator("article").evaluate("(it) => getComputedStyle(it).color")
        == "rgb(0, 0, 0)"
    )
    expect(alice.message("line 0").locator('[data-part="who"]')).to_be_visible()
