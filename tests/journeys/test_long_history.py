"""Checks 13 to 15, long chats: stable scrolling, jump button, divider of new messages, kept position."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.visitors import Visitor, start_chat
from tests.rig.daphne_server import EntreServer

LONG_CHAT = 100_000
MAX_LOADED = 240


def jump(person: Visitor) -> Locator:
    return person.page.locator('[data-view="jump"]')


def divider(person: Visitor) -> Locator:
    return person.page.locator('[data-part="new-divider"]')


def edges(page: Page) -> list[str | None]:
    """The numbers of the first and the last message on the page."""
    messages = page.locator('[data-view="timeline"] > li[data-seq]')
    return [messages.first.get_attribute("data-seq"), messages.last.get_attribute("data-seq")]


# The messages in view, with their position.
POSITIONS = """() => {
    const view = document.querySelector('[data-view="scroller"]').getBoundingClientRect();
    const seen = [...document.querySelectorAll('[data-view="timeline"] > li[data-id]')]
        .map((li) => [li.dataset.seq, li.getBoundingClientRect()])
        .filter(([, box]) => box.bottom > view.top && box.top < view.bottom);
    return Object.fromEntries(seen.map(([seq, box]) => [seq, box.top]));
}"""


def test_check_13_in_a_chat_of_100_000_messages_nothing_moves_while_alice_scrolls(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(LONG_CHAT), read=LONG_CHAT)
    alice.open(room)
    alice.until_loaded("history-view")
    page = alice.page
    expect(alice.bodies()).to_have_count(50)
    box = page.locator('[data-view="scroller"]')
    start = heap(page)

    for side, pages in (("top", 20), ("bottom", 12)):
        for _ in range(pages):
            before_edges = edges(page)
            # Scroll just far enough to load the next page. The messages in view then must not move.
            box.evaluate(
                """(scroller, side) => {
                    const above = scroller.scrollHeight - scroller.clientHeight + scroller.scrollTop;
                    const margin = scroller.clientHeight * 1.4;
                    scroller.scrollTop += side === "top" ? margin - above : -scroller.scrollTop - margin;
                }""",
                side,
            )
            before = page.evaluate(POSITIONS)
            alice.until(lambda seen=before_edges: edges(page) != seen, "another page")  # type: ignore[misc]
            after = page.evaluate(POSITIONS)
            moved = {
                seq: after.get(seq, 1e9) - top
                for seq, top in before.items()
                if abs(after.get(seq, 1e9) - top) > 1
            }
            assert moved == {}, f"at {edges(page)}: {moved}"
            assert alice.bodies().count() <= MAX_LOADED
    assert page.evaluate("document.querySelectorAll('*').length") <= 4_500
    assert heap(page) - start <= 10_000_000

    # One click jumps to the newest message without loading everything between.
    expect(jump(alice)).to_be_visible()
    jump(alice).click()
    expect(alice.message("number 100000")).to_be_in_viewport()
    expect(jump(alice)).to_be_hidden()


def heap(page: Page) -> int:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return int(found)


def positions(page: Page) -> dict[str, float]:
    return dict(page.evaluate(POSITIONS))


def test_check_14_new_messages_below_move_nothing_and_the_button_scrolls_to_them(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    for n in range(40):
        bob.send(room, f"earlier {n}")
    alice.open(room)
    alice.until_loaded("history-view")
    expect(divider(alice)).to_have_text("40 new messages")
    alice.write("I have read it")
    alice.sees_state("I have read it", "sent")
    expect(divider(alice)).to_have_count(0)
    alice.page.locator('[data-view="scroller"]').evaluate("(scroller) => { scroller.scrollTop = -900; }")
    expect(jump(alice)).to_be_visible()
    before = positions(alice.page)
    for n in range(10):
        bob.send(room, f"later {n}" + " with more words" * n)
    expect(alice.page.locator('[data-view="jump"] [data-part="count"]')).to_have_text("10")
    expect(jump(alice)).to_have_accessible_name("10 new messages below")
    assert positions(alice.page) == pytest.approx(before, abs=1)
    expect(divider(alice)).to_have_text("10 new messages")
    jump(alice).click()
    expect(divider(alice)).to_be_in_viewport()
    expect(alice.message("later 0")).to_be_in_viewport()
    jump(alice).click()
    expect(jump(alice)).to_be_hidden()
    expect(divider(alice)).to_have_count(1)


def test_check_14_far_up_in_the_history_the_button_loads_the_newest_messages(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    """They are not loaded, so the button loads them."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(1_000), read=1_000)
    alice.page.goto(f"/chats/{room}/?m=200")
    alice.until_ready()
    alice.until_loaded("history-view")
    expect(alice.page.locator('li[data-seq="200"] article')).to_be_focused()
    expect(alice.page.locator('li[data-seq="200"]')).to_be_in_viewport()
    before = positions(alice.page)
    for n in range(3):
        bob.send(room, f"new {n}")
    expect(alice.page.locator('[data-view="jump"] [data-part="count"]')).to_have_text("3")
    assert positions(alice.page) == pytest.approx(before, abs=1)
    expect(alice.message("new 0")).to_have_count(0)
    jump(alice).click()
    expect(divider(alice)).to_have_text("3 new messages")
    expect(divider(alice)).to_be_in_viewport()
    expect(alice.message("new 2")).to_be_in_viewport()
    # Sending a message jumps to the end from anywhere.
    alice.page.goto(f"/chats/{room}/?m=100")
    alice.until_ready()
    alice.write("from far above")
    expect(alice.message("from far above")).to_be_in_viewport()
    alice.sees_state("from far above", "sent")
    expect(alice.bodies().last).to_have_text("from far above")


def test_check_15_the_divider_is_a_quarter_below_the_top_until_alice_answers(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    for n in range(30):
        bob.send(room, f"read {n}")
    alice.mark_read(room, 30)
    for n in range(7):
        bob.send(room, f"unread {n}\n" + "line\n" * 6)
    alice.open(room)
    expect(divider(alice)).to_have_text("7 new messages")
    share = divider(alice).evaluate(
        """(line) => {
            const view = document.querySelector('[data-view="scroller"]').getBoundingClientRect();
            return (line.getBoundingClientRect().top - view.top) / view.height;
        }"""
    )
    assert share == pytest.approx(0.25, abs=0.02)
    alice.page.locator('[data-view="scroller"]').evaluate("(scroller) => { scroller.scrollTop = 0; }")
    expect(jump(alice)).to_be_hidden()
    expect(divider(alice)).to_have_count(1)
    alice.write("An answer")
    expect(divider(alice)).to_have_count(0)

    # With more unread messages than a page has, the chat still opens at the first of them.
    carol = visitor("carol")
    other = start_chat(alice, carol)
    insert_history(
        daphne_server, other, timestamps(300), by=lambda n: True, bodies=lambda n: f"number {n}", read=100
    )
    reader = next(
        person
        for person in (alice, carol)
        if person.person.api("GET", f"/conversations/{other}").json()["unread"]
    )
    reader.open(other)
    expect(divider(reader)).to_have_text("200 new messages")
    expect(reader.message("number 101")).to_be_in_viewport()


def test_check_13_alice_returns_to_her_scroll_position(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(400), read=400)
    alice.open(room)
    alice.until_loaded("history-view")
    scroller = alice.page.locator('[data-view="scroller"]')
    scroller.evaluate("(scroller) => { scroller.scrollTop = -1200; }")
    alice.until_idle()
    before = positions(alice.page)
    alice.page.goto("/people/")
    alice.open(room)
    assert positions(alice.page) == pytest.approx(before, abs=1)
    # With new messages, the chat opens at these.
    alice.page.goto("/people/")
    bob.send(room, "something new")
    alice.open(room)
    expect(alice.message("something new")).to_be_in_viewport()


def test_a_message_sent_before_the_history_script_loads_stays_in_view(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    """On a slow connection the history script loads late.

    The address points far up, but she has sent a message since.
    """
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(1_000), read=1_000)
    held: list[Route] = []
    alice.page.route("**/history-view*", lambda route: held.append(route))
    alice.page.goto(f"/chats/{room}/?m=100")
    alice.until_ready()
    alice.until(lambda: bool(held), "the delayed script")
    alice.write("before it came")
    alice.sees_state("before it came", "sent")
    held[0].continue_()
    alice.until_loaded("history-view")
    alice.until_idle()
    expect(alice.message("before it came")).to_be_in_viewport()
    expect(alice.box).to_be_focused()
    # The script works.
    alice.page.locator('[data-view="scroller"]').evaluate("(scroller) => { scroller.scrollTop = -2000; }")
    expect(jump(alice)).to_be_visible()


def test_the_list_shows_when_a_pending_message_was_written(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(2), read=2)
    alice.open(room)
    alice.until_loaded("unsent-notice")
    alice.until_idle()
    hour = alice.row(room).locator('[data-part="time"]')
    expect(hour).not_to_have_text(re.compile(r"^\d\d:\d\d$"))
    alice.context.set_offline(True)
    alice.write("in a tunnel")
    alice.sees_state("in a tunnel", "pending")
    expect(hour).to_have_text(re.compile(r"^\d\d:\d\d$"))
