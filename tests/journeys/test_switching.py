"""Switching chats inside one page (N2): history, cached chats, drafts, presence, failures, scrolling.

One page of Alice stays open for all of these tests; each has its own Bob and Carol.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, WebSocket, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.kept import KeptVisitors
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.tcp_proxy import TcpProxy
from tests.journeys.visitors import DESK, MESSAGE_BOX, PHONE_OPTIONS, Visitor, new_visitor, start_chat
from tests.rig.daphne_server import EntreServer

LOW_PHONE = {**PHONE_OPTIONS, "viewport": {"width": 390, "height": 500}}


def mark_page(person: Visitor) -> None:
    person.page.evaluate("window.isTheSamePage = true")


def is_same_page(person: Visitor) -> bool:
    return bool(person.page.evaluate("window.isTheSamePage === true"))


def open_from_list(person: Visitor, room: str, name: str) -> None:
    person.row(room).get_by_role("link").click()
    expect_open_chat(person, room, name)


def expect_open_chat(person: Visitor, room: str, name: str) -> None:
    expect(person.page.get_by_role("heading", level=1)).to_have_text(name)
    assert person.room == room
    expect(person.page.locator('[data-view="rows"] [aria-current="page"]')).to_have_count(1)
    expect(person.row(room).get_by_role("link")).to_have_attribute("aria-current", "page")


class TwoChats:
    """Alice has chats with Bob and Carol, who have each sent one message."""

    def __init__(self, alice: Visitor, visitor: VisitorMaker) -> None:
        self.alice = alice
        self.bob, self.carol = visitor("bob"), visitor("carol")
        self.with_bob, self.with_carol = self.add_chat_with(self.bob), self.add_chat_with(self.carol)

    def add_chat_with(self, friend: Visitor) -> str:
        room = start_chat(self.alice, friend)
        friend.send(room, f"from {friend.name.lower()}")
        return room

    def mark_all_read(self) -> None:
        for room in (self.with_bob, self.with_carol):
            self.alice.mark_read(room, 1)

    def open_list(self) -> Visitor:
        """No chat is open. The page is the one of the test before, unless that test left it."""
        if not self.alice.pages:
            self.alice.page.goto("/chats/")
            # Loaded now, because a test may disconnect the page.
            self.alice.until_loaded("connection-view")
        else:
            self.alice.page.get_by_role("navigation", name="Lists").get_by_role("link", name="Chats").click()
        expect(self.alice.page.get_by_role("heading", level=1)).to_have_text("Pick up where you left off")
        self.alice.until_lazy_parts_loaded()
        mark_page(self.alice)
        return self.alice

    def open_chat_with_bob(self) -> Visitor:
        self.open_list()
        open_from_list(self.alice, self.with_bob, "Bob")
        self.alice.sees("from bob")
        return self.alice


@pytest.fixture(scope="module")
def proxy(daphne_server: EntreServer) -> Iterator[TcpProxy]:
    """Between Alice and the server."""
    with TcpProxy(daphne_server.ports[0]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def kept_alice(chromium: Browser, proxy: TcpProxy) -> Iterator[KeptVisitors]:
    kept = KeptVisitors(
        lambda suffix: [new_visitor(chromium, proxy.address, f"switching{suffix}", name="Alice")]
    )
    yield kept
    kept.leave()


@pytest.fixture
def chats(
    kept_alice: KeptVisitors, visitor: VisitorMaker, proxy: TcpProxy, request: pytest.FixtureRequest
) -> Iterator[TwoChats]:
    with kept_alice.lend(request) as [alice]:
        yield TwoChats(alice, visitor)
        proxy.restore()
        alice.page.unroute_all()


def test_another_chat_opens_on_the_same_page_over_the_same_socket(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    sockets: list[WebSocket] = []
    alice.page.on("websocket", lambda socket: sockets.append(socket))
    open_from_list(alice, chats.with_carol, "Carol")
    alice.sees("from carol")
    expect(alice.page).to_have_title(re.compile(r"^(\(\d+\) )?Carol"))
    expect(alice.box).to_be_focused()
    alice.write("hello carol")
    alice.sees_state("hello carol", "sent")
    open_from_list(alice, chats.with_bob, "Bob")
    alice.write("hello bob")
    alice.sees("from bob", "hello bob")
    alice.until_stored(chats.with_bob, "from bob", "hello bob")
    alice.until_stored(chats.with_carol, "from carol", "hello carol")
    assert is_same_page(alice)
    assert sockets == []


def test_back_and_forward_move_between_chats_on_the_same_page(chats: TwoChats) -> None:
    alice = chats.open_list()
    open_from_list(alice, chats.with_bob, "Bob")
    open_from_list(alice, chats.with_carol, "Carol")
    alice.page.go_back()
    expect_open_chat(alice, chats.with_bob, "Bob")
    expect(alice.page.get_by_role("heading", level=1)).to_be_focused()
    alice.page.go_back()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Pick up where you left off")
    expect(alice.page.locator('[data-view="rows"] [aria-current]')).to_have_count(0)
    expect(alice.page).to_have_title(re.compile("Chats"))
    alice.page.go_forward()
    expect_open_chat(alice, chats.with_bob, "Bob")
    assert is_same_page(alice)
    alice.page.reload()
    expect_open_chat(alice, chats.with_bob, "Bob")


def test_messages_that_arrived_in_another_chat_are_shown_at_once_even_offline(
    chats: TwoChats, proxy: TcpProxy
) -> None:
    chats.mark_all_read()
    alice = chats.open_chat_with_bob()
    open_from_list(alice, chats.with_carol, "Carol")
    alice.sees("from carol")
    chats.bob.send(chats.with_bob, "second from bob")
    chats.bob.send(chats.with_bob, "third from bob")
    expect(alice.row(chats.with_bob).locator('[data-part="badge"]')).to_have_text("2")
    proxy.disconnect()
    open_from_list(alice, chats.with_bob, "Bob")
    alice.sees("from bob", "second from bob", "third from bob")
    expect(alice.page.locator('[data-part="new-divider"]')).to_have_text("2 new messages")
    # Opening a chat announces nothing.
    assert not [line for line in alice.announced("say-messages") if "from bob" in line]
    proxy.restore()
    expect(alice.row(chats.with_bob).locator('[data-part="badge"]')).to_be_hidden()


def test_after_a_reconnect_every_chat_has_what_it_missed(chats: TwoChats, proxy: TcpProxy) -> None:
    alice = chats.open_chat_with_bob()
    open_from_list(alice, chats.with_carol, "Carol")
    alice.sees("from carol")
    proxy.disconnect()
    chats.bob.send(chats.with_bob, "sent while offline")
    chats.carol.send(chats.with_carol, "sent while offline, too")
    proxy.restore()
    alice.sees("from carol", "sent while offline, too")
    expect(alice.row(chats.with_bob).locator('[data-part="preview"]')).to_have_text("sent while offline")
    open_from_list(alice, chats.with_bob, "Bob")
    alice.sees("from bob", "sent while offline")
    assert is_same_page(alice)


def test_presence_follows_from_chat_to_chat_and_only_the_open_one_sends_receipts_and_typing(
    chats: TwoChats,
) -> None:
    alice, bob = chats.open_chat_with_bob(), chats.bob
    chats.mark_all_read()
    of_bob, of_alice = (person.page.locator('[data-part="status"]') for person in (bob, alice))
    expect(of_alice).to_have_text(f"@{bob.username}")
    bob.open(chats.with_bob)
    for _ in range(2):
        expect(of_alice).to_have_text("online")
        open_from_list(alice, chats.with_carol, "Carol")
        expect(of_alice).to_have_text(f"@{chats.carol.username}")
        open_from_list(alice, chats.with_bob, "Bob")

    alice.box.press_sequentially("draft")
    expect(of_bob).to_have_text("typing…")
    open_from_list(alice, chats.with_carol, "Carol")
    expect(of_bob).to_have_text("online")
    bob.write("are you there?")
    expect(alice.row(chats.with_bob).locator('[data-part="badge"]')).to_have_text("1")
    expect(alice.row(chats.with_bob).locator('[data-part="label"]')).to_have_text("Draft:")
    bob.sees_state("are you there?", "delivered")
    open_from_list(alice, chats.with_bob, "Bob")
    bob.sees_state("are you there?", "read")
    expect(alice.box).to_have_value("draft")
    bob.box.press_sequentially("so")
    expect(of_alice).to_have_text("typing…")


def test_text_typed_while_a_chat_loads_becomes_its_draft_and_is_not_sent(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    held: list[Route] = []
    alice.page.route(f"**/chats/{chats.with_carol}/", lambda route: held.append(route))
    alice.box.fill("half a thought for bob")
    # Carol wrote last, so her row is above Bob's.
    alice.page.keyboard.press("Alt+ArrowUp")
    alice.until(lambda: bool(held), "the page of the other chat")
    # Keys count from the first on, before the box is there.
    alice.page.keyboard.type("for carol's")
    # While a chat loads, its name and a skeleton are shown.
    expect(alice.page.locator("main[aria-busy=true] .skeleton")).to_be_visible()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Carol")
    expect(alice.page.get_by_role("textbox", name="Message")).to_be_focused()
    alice.page.keyboard.type(" eyes")
    alice.page.keyboard.press("Enter")
    held.pop().continue_()
    alice.sees("from carol")
    expect(alice.box).to_be_focused()
    expect(alice.box).to_have_value("for carol's eyes")
    alice.page.keyboard.type(" only")
    expect(alice.box).to_have_value("for carol's eyes only")
    open_from_list(alice, chats.with_bob, "Bob")
    alice.sees("from bob")
    expect(alice.box).to_have_value("half a thought for bob")


def test_after_two_clicks_the_chat_clicked_last_opens(chats: TwoChats, visitor: VisitorMaker) -> None:
    with_dave = chats.add_chat_with(visitor("dave"))
    alice = chats.open_chat_with_bob()
    held: list[Route] = []
    alice.page.route(f"**/chats/{chats.with_carol}/", lambda route: held.append(route))
    alice.box.focus()
    press = "(link) => { link.click(); return document.activeElement === document.body; }"
    assert alice.row(chats.with_carol).get_by_role("link").evaluate(press), (
        "an Enter at the same moment would send the text in Bob's box"
    )
    alice.until(lambda: bool(held), "the page of carol's chat")
    open_from_list(alice, with_dave, "Dave")
    held.pop().continue_()
    alice.until_idle()
    expect_open_chat(alice, with_dave, "Dave")
    alice.sees("from dave")


def test_a_chat_that_failed_to_load_says_so_and_loads_when_the_connection_returns(
    chats: TwoChats, proxy: TcpProxy
) -> None:
    alice = chats.open_chat_with_bob()
    alice.box.fill("not lost")
    proxy.disconnect()
    alice.row(chats.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page couldn’t be loaded.")).to_be_visible()
    expect(alice.page.locator("#say-status")).to_contain_text("This page couldn’t be loaded.")
    expect(alice.page.get_by_role("button", name="Try again")).to_be_visible()
    open_from_list(alice, chats.with_bob, "Bob")
    expect(alice.box).to_have_value("not lost")
    alice.row(chats.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page couldn’t be loaded.")).to_be_visible()
    proxy.restore()
    alice.sees("from carol")
    expect_open_chat(alice, chats.with_carol, "Carol")
    assert is_same_page(alice)


def test_a_returning_connection_does_not_undo_a_later_click(
    chats: TwoChats, visitor: VisitorMaker, proxy: TcpProxy
) -> None:
    with_dave = chats.add_chat_with(visitor("dave"))
    alice = chats.open_chat_with_bob()
    held: list[Route] = []
    alice.page.route(f"**/chats/{with_dave}/", lambda route: held.append(route))
    proxy.disconnect()
    alice.row(chats.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page couldn’t be loaded.")).to_be_visible()
    alice.row(with_dave).get_by_role("link").click()
    alice.until(lambda: bool(held), "the page of dave's chat")
    chats.carol.send(chats.with_carol, "sent while offline")
    with alice.page.expect_websocket(lambda socket: True):
        proxy.restore()
        alice.page.evaluate("dispatchEvent(new Event('online'))")
    expect(alice.row(chats.with_carol).locator('[data-part="badge"]')).to_have_text("2")
    held.pop().continue_()
    alice.sees("from dave")
    expect_open_chat(alice, with_dave, "Dave")


def test_repeated_shortcuts_continue_from_the_chat_that_is_loading(
    chats: TwoChats, visitor: VisitorMaker
) -> None:
    with_dave = chats.add_chat_with(visitor("dave"))
    alice = chats.open_list()
    open_from_list(alice, with_dave, "Dave")
    held: list[Route] = []
    alice.page.route(f"**/chats/{chats.with_carol}/", lambda route: held.append(route))
    alice.page.keyboard.press("Alt+ArrowDown")
    expect(alice.row(chats.with_carol).get_by_role("link")).to_have_attribute("aria-current", "page")
    alice.until(lambda: bool(held), "the page of carol's chat")
    alice.page.keyboard.press("Alt+ArrowDown")
    expect_open_chat(alice, chats.with_bob, "Bob")
    alice.page.keyboard.press("Alt+ArrowUp")
    expect(alice.page).to_have_title(re.compile("Carol"))
    expect(alice.page.locator("main[aria-busy=true]")).to_be_visible()
    expect(alice.page.locator(".skip-link")).to_have_attribute("href", "#main")
    alice.page.keyboard.press("Alt+ArrowUp")
    expect_open_chat(alice, with_dave, "Dave")


def test_while_the_server_fails_a_cached_chat_opens_and_another_offers_a_retry(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    is_failing = True
    alice.page.route(
        "**/chats/dm-*/",
        lambda route: route.fulfill(status=503, body="") if is_failing else route.continue_(),
    )
    alice.row(chats.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page couldn’t be loaded.")).to_be_visible()
    open_from_list(alice, chats.with_bob, "Bob")
    alice.sees("from bob")
    alice.row(chats.with_carol).get_by_role("link").click()
    expect(alice.page.get_by_role("button", name="Try again")).to_be_visible()
    is_failing = False
    alice.page.get_by_role("button", name="Try again").click()
    alice.sees("from carol")
    assert is_same_page(alice)


def test_the_empty_pane_opens_the_invite_dialog_on_the_same_page(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    chats.open_list()
    alice.page.locator("main").get_by_role("link", name="Invite a person").click()
    expect(alice.page.get_by_role("dialog", name="Invite one person")).to_be_visible()
    alice.page.keyboard.press("Escape")
    expect(alice.page.get_by_role("dialog")).to_have_count(0)
    assert is_same_page(alice)


def test_a_page_of_earlier_messages_is_left_by_a_full_navigation(chats: TwoChats) -> None:
    alice = chats.alice
    alice.page.goto(f"/chats/{chats.with_bob}/?before=1")
    alice.until_lazy_parts_loaded()
    mark_page(alice)
    alice.page.evaluate("location.hash = '#message-box'")
    assert urlsplit(alice.page.url).query == "before=1"
    assert is_same_page(alice)
    alice.row(chats.with_carol).get_by_role("link").click()
    alice.sees("from carol")
    assert not is_same_page(alice)


def test_the_connection_notice_stays_while_alice_switches_chats(chats: TwoChats, proxy: TcpProxy) -> None:
    alice = chats.open_chat_with_bob()
    open_from_list(alice, chats.with_carol, "Carol")
    alice.sees("from carol")
    proxy.disconnect()
    for room, name in ((chats.with_bob, "Bob"), (chats.with_carol, "Carol"), (chats.with_bob, "Bob")):
        expect(alice.strip).to_be_visible()
        expect(alice.strip.get_by_role("button", name="Try now")).to_be_visible()
        open_from_list(alice, room, name)
    expect(alice.strip).to_be_visible()
    proxy.restore()
    # Not a click, which would wait for a button that is gone if the page has just connected by itself.
    alice.strip.locator('[data-action="retry"]').dispatch_event("click")
    expect(alice.strip).to_be_hidden()
    open_from_list(alice, chats.with_carol, "Carol")
    expect(alice.strip).to_be_hidden()


def test_a_chat_with_many_new_messages_opens_at_the_first_of_them(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    open_from_list(alice, chats.with_carol, "Carol")
    # More than a page has.
    for number in range(55):
        chats.bob.send(chats.with_bob, f"news {number}")
    expect(alice.row(chats.with_bob).locator('[data-part="badge"]')).to_have_text("56")
    open_from_list(alice, chats.with_bob, "Bob")
    expect(alice.page.locator('[data-part="new-divider"]')).to_be_in_viewport()
    expect(alice.message("news 0")).to_be_in_viewport()
    assert is_same_page(alice)


def test_without_a_session_the_click_leads_through_log_in_to_the_chat(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    alice.context.clear_cookies()
    alice.row(chats.with_carol).get_by_role("link").click()
    alice.page.wait_for_url("**/accounts/login/**")
    alice.log_in(at="")
    expect_open_chat(alice, chats.with_carol, "Carol")


def test_a_cached_chat_that_changed_is_fetched_again(chats: TwoChats) -> None:
    alice, bob = chats.open_chat_with_bob(), chats.bob
    open_from_list(alice, chats.with_carol, "Carol")
    bob.person.post_form("/settings/profile/", name="Bob the Second", username=bob.username)
    expect(alice.row(chats.with_bob).locator('[data-part="name"]')).to_have_text("Bob the Second")
    with alice.page.expect_response(f"**/chats/{chats.with_bob}/"):
        open_from_list(alice, chats.with_bob, "Bob the Second")
    alice.sees("from bob")
    assert is_same_page(alice)


def test_control_click_on_a_row_opens_a_new_tab(chats: TwoChats) -> None:
    alice = chats.open_chat_with_bob()
    with alice.context.expect_page() as opened:
        alice.row(chats.with_carol).get_by_role("link").click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Carol")
    opened.value.close()
    expect_open_chat(alice, chats.with_bob, "Bob")


def test_the_list_keeps_its_scroll_position_and_the_tab_fetches_the_oldest_cached_chat_again(
    chats: TwoChats, visitor: VisitorMaker
) -> None:
    """A tab caches a limited number of chats."""
    alice = chats.open_list()
    alice.page.set_viewport_size({"width": 1000, "height": 500})
    friends = [visitor(f"friend{number}") for number in range(7)]
    rooms = [chats.add_chat_with(friend) for friend in friends]
    open_from_list(alice, chats.with_bob, "Bob")
    tops = []
    expect(alice.row(rooms[-1])).to_be_visible()
    # From a row further down to the first one.
    for friend, room in zip(friends, rooms, strict=True):
        alice.row(room).scroll_into_view_if_needed()
        tops.append(scroll_position(alice))
        open_from_list(alice, room, friend.name)
        assert scroll_position(alice) == tops[-1]
        alice.sees(f"from {friend.name.lower()}")
    assert tops[0] > tops[-1]
    alice.page.set_viewport_size(DESK)
    chats.bob.send(chats.with_bob, "second from bob")
    expect(alice.row(chats.with_bob).locator('[data-part="preview"]')).to_have_text("second from bob")
    with alice.page.expect_response(f"**/chats/{chats.with_bob}/"):
        open_from_list(alice, chats.with_bob, "Bob")
    alice.sees("from bob", "second from bob")
    assert is_same_page(alice)


def scroll_position(person: Visitor) -> float:
    return float(person.page.locator("#list").evaluate("(list) => list.scrollTop"))


def test_a_chat_keeps_its_scroll_position(
    chats: TwoChats, visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, dave = chats.alice, visitor("dave")
    room = start_chat(alice, dave)
    insert_history(
        daphne_server, room, timestamps(80), bodies=lambda n: f"line {n}\nand more of it\nand more", read=80
    )
    dave.send(room, "hello")
    chats.open_list()
    open_from_list(alice, room, "Dave")
    scroller = alice.page.locator('[data-view="scroller"]')
    scroller.hover()
    alice.page.mouse.wheel(0, -2_000)
    alice.page.wait_for_function("() => document.querySelector('[data-view=scroller]').scrollTop < -1000")
    alice.until_idle()
    top = """() => { const list = document.querySelector('[data-view=scroller]').getBoundingClientRect();
        const first = [...document.querySelectorAll('li[data-seq]')]
            .find((li) => li.getBoundingClientRect().bottom > list.top);
        return [first.dataset.seq, Math.round(first.getBoundingClientRect().top)]; }"""
    before = alice.page.evaluate(top)
    open_from_list(alice, chats.with_carol, "Carol")
    open_from_list(alice, room, "Dave")
    after = alice.page.evaluate(top)
    assert after[0] == before[0]
    assert abs(after[1] - before[1]) <= 1


def test_on_a_phone_back_shows_the_list_at_its_position_with_the_row_focused(
    visitor: VisitorMaker,
) -> None:
    """Also from a chat that was opened by its address."""
    chats = TwoChats(visitor("alice", **LOW_PHONE), visitor)
    alice = chats.alice
    for number in range(5):
        chats.add_chat_with(visitor(f"pal{number}"))
    alice.page.goto("/chats/")
    alice.until_lazy_parts_loaded()
    mark_page(alice)
    alice.row(chats.with_bob).scroll_into_view_if_needed()
    top = scroll_position(alice)
    assert top > 0
    alice.row(chats.with_bob).get_by_role("link").tap()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    back = alice.page.get_by_role("link", name="Back to the chats")
    expect(back).to_be_focused()
    expect(alice.page.locator("#list")).to_be_hidden()
    back.tap()
    expect(alice.row(chats.with_bob).get_by_role("link")).to_be_focused()
    assert scroll_position(alice) == top
    assert urlsplit(alice.page.url).path == "/chats/"
    # The link went back in the history instead of adding an entry.
    alice.page.go_forward()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    assert is_same_page(alice)

    alice.open(chats.with_carol)
    alice.until_lazy_parts_loaded()
    mark_page(alice)
    alice.page.get_by_role("link", name="Back to the chats").tap()
    expect(alice.row(chats.with_carol).get_by_role("link")).to_be_focused()
    expect(alice.page.locator(MESSAGE_BOX)).to_have_count(0)
    assert is_same_page(alice)
    alice.page.go_back()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Carol")
    alice.sees("from carol")
