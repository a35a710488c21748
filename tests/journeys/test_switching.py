"""Choosing a chat in the list replaces the pane beside it and nothing else (ui-spec N2): one page, one socket, and what was seen before is there at once."""

import json
import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, WebSocket, WebSocketRoute, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.line import Line
from tests.journeys.visitors import BOX, Visitor, meet

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def comfortable(person: Visitor) -> None:
    """What is loaded when idle answers."""
    expect(person.page.locator('[data-action="switch"]')).to_have_attribute("aria-haspopup", "dialog")


def stays_on_this_page(person: Visitor) -> None:
    person.page.evaluate("window.isTheSamePage = true")


def is_the_same_page(person: Visitor) -> bool:
    return bool(person.page.evaluate("window.isTheSamePage === true"))


def chooses(person: Visitor, room: str, name: str) -> None:
    person.row(room).get_by_role("link").click()
    shows(person, room, name)


def shows(person: Visitor, room: str, name: str) -> None:
    expect(person.page.get_by_role("heading", level=1)).to_have_text(name)
    assert person.room == room
    expect(person.page.locator('[data-view="rows"] [aria-current="page"]')).to_have_count(1)
    expect(person.row(room).get_by_role("link")).to_have_attribute("aria-current", "page")


class Scene:
    """Alice has chats with bob and with carol; each has written once."""

    def __init__(self, visitor: VisitorMaker, **options: object) -> None:
        self.alice = visitor("alice", **options)
        self.bob, self.carol = visitor("bob"), visitor("carol")
        self.with_bob, self.with_carol = self.chat_with(self.bob), self.chat_with(self.carol)

    def chat_with(self, friend: Visitor) -> str:
        room = meet(self.alice, friend)
        assert friend.person.write(room, f"from {friend.name.lower()}").status_code == 201
        return room

    def read_all(self) -> None:
        for room in (self.with_bob, self.with_carol):
            assert self.alice.person.api("PUT", f"/conversations/{room}/receipt", {"read": 1, "delivered": 1}).status_code < 300

    def alice_sits_with_bob(self) -> Visitor:
        self.alice.open(self.with_bob)
        comfortable(self.alice)
        # Before the line is cut, or nothing can say so.
        self.alice.until_loaded("connection-view")
        stays_on_this_page(self.alice)
        return self.alice


@pytest.fixture
def scene(visitor: VisitorMaker) -> Scene:
    return Scene(visitor)


def test_another_chat_opens_on_the_same_page_over_the_same_socket(scene: Scene) -> None:
    scene.read_all()
    sockets: list[WebSocket] = []
    scene.alice.page.on("websocket", lambda socket: sockets.append(socket))
    alice = scene.alice_sits_with_bob()
    chooses(alice, scene.with_carol, "Carol")
    alice.sees("from carol")
    expect(alice.page).to_have_title(re.compile("^Carol"))
    expect(alice.box).to_be_focused()
    alice.write("hello carol")
    alice.sees_state("hello carol", "sent")
    chooses(alice, scene.with_bob, "Bob")
    alice.write("hello bob")
    alice.sees("from bob", "hello bob")
    alice.until_stored(scene.with_bob, "from bob", "hello bob")
    alice.until_stored(scene.with_carol, "from carol", "hello carol")
    assert is_the_same_page(alice)
    assert len(sockets) == 1


def test_from_the_empty_pane_into_a_chat_and_back_with_the_buttons_of_the_browser(scene: Scene) -> None:
    alice = scene.alice
    alice.page.goto("/chats/")
    comfortable(alice)
    stays_on_this_page(alice)
    chooses(alice, scene.with_bob, "Bob")
    chooses(alice, scene.with_carol, "Carol")
    alice.page.go_back()
    shows(alice, scene.with_bob, "Bob")
    expect(alice.page.get_by_role("heading", level=1)).to_be_focused()
    alice.page.go_back()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Pick up where you left off")
    expect(alice.page.locator('[data-view="rows"] [aria-current]')).to_have_count(0)
    expect(alice.page).to_have_title(re.compile("Chats"))
    alice.page.go_forward()
    shows(alice, scene.with_bob, "Bob")
    assert is_the_same_page(alice)
    alice.page.reload()
    shows(alice, scene.with_bob, "Bob")


def test_what_came_while_another_chat_was_open_is_there_at_once_even_without_a_line(visitor: VisitorMaker, line: Line) -> None:
    scene = Scene(visitor, address=line.address)
    scene.read_all()
    alice = scene.alice_sits_with_bob()
    chooses(alice, scene.with_carol, "Carol")
    alice.sees("from carol")
    assert scene.bob.person.write(scene.with_bob, "second from bob").status_code == 201
    assert scene.bob.person.write(scene.with_bob, "third from bob").status_code == 201
    expect(alice.row(scene.with_bob).locator('[data-part="badge"]')).to_have_text("2")
    line.cut()
    chooses(alice, scene.with_bob, "Bob")
    alice.sees("from bob", "second from bob", "third from bob")
    expect(alice.page.locator('[data-part="new-divider"]')).to_have_text("2 new messages")
    # Opening a chat tells nothing aloud.
    expect(alice.page.locator("#say-messages")).to_be_empty()
    line.mend()
    expect(alice.row(scene.with_bob).locator('[data-part="badge"]')).to_be_hidden()


def test_what_a_broken_line_kept_from_every_chat_comes_with_the_next_one(visitor: VisitorMaker, line: Line) -> None:
    scene = Scene(visitor, address=line.address)
    alice = scene.alice_sits_with_bob()
    chooses(alice, scene.with_carol, "Carol")
    alice.sees("from carol")
    line.cut()
    assert scene.bob.person.write(scene.with_bob, "into the tunnel").status_code == 201
    assert scene.carol.person.write(scene.with_carol, "into it too").status_code == 201
    line.mend()
    alice.sees("from carol", "into it too")
    expect(alice.row(scene.with_bob).locator('[data-part="preview"]')).to_have_text("into the tunnel")
    chooses(alice, scene.with_bob, "Bob")
    alice.sees("from bob", "into the tunnel")
    assert is_the_same_page(alice)


def test_only_the_chat_on_the_screen_is_read_and_typed_in(scene: Scene) -> None:
    alice, bob = scene.alice, scene.bob
    scene.read_all()
    bob.open(scene.with_bob)
    alice.open(scene.with_bob)
    comfortable(alice)
    status = bob.page.locator('[data-part="status"]')
    alice.box.press_sequentially("draft")
    expect(status).to_have_text("typing…")
    chooses(alice, scene.with_carol, "Carol")
    expect(status).to_have_text("online")
    bob.write("are you there?")
    expect(alice.row(scene.with_bob).locator('[data-part="badge"]')).to_have_text("1")
    expect(alice.row(scene.with_bob).locator('[data-part="label"]')).to_have_text("Draft:")
    bob.sees_state("are you there?", "delivered")
    chooses(alice, scene.with_bob, "Bob")
    bob.sees_state("are you there?", "read")
    expect(alice.box).to_have_value("draft")
    bob.box.press_sequentially("so")
    expect(alice.page.locator('[data-part="status"]')).to_have_text("typing…")


def test_the_signs_of_a_peer_follow_from_chat_to_chat(scene: Scene) -> None:
    alice = scene.alice_sits_with_bob()
    scene.carol.page.goto("/chats/")
    status = alice.page.locator('[data-part="status"]')
    for _ in range(2):
        chooses(alice, scene.with_carol, "Carol")
        expect(status).to_have_text("online")
        chooses(alice, scene.with_bob, "Bob")
        expect(status).to_have_text(f"@{scene.bob.username}")
    scene.bob.page.goto("/chats/")
    expect(status).to_have_text("online")


def test_keys_typed_while_a_chat_is_on_its_way_are_its_draft_and_are_sent_by_nobody(scene: Scene) -> None:
    alice = scene.alice_sits_with_bob()
    held: list[Route] = []
    alice.page.route(f"**/chats/{scene.with_carol}/", lambda route: held.append(route))
    alice.box.fill("half a thought for bob")
    alice.page.keyboard.press(
        "Alt+ArrowUp" if alice.row(scene.with_bob).evaluate("(row) => row.matches(':last-child')") else "Alt+ArrowDown"
    )
    alice.until(lambda: bool(held), "the page of the other chat")
    # From the first key on, before there is a box to type in.
    alice.page.keyboard.type("for carol's")
    # A page that takes its time is announced by its name and by the shape of what will come.
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
    chooses(alice, scene.with_bob, "Bob")
    alice.sees("from bob")
    expect(alice.box).to_have_value("half a thought for bob")


def test_who_presses_twice_ends_at_the_chat_pressed_last(scene: Scene, visitor: VisitorMaker) -> None:
    with_dave = scene.chat_with(visitor("dave"))
    alice = scene.alice_sits_with_bob()
    held: list[Route] = []
    alice.page.route(f"**/chats/{scene.with_carol}/", lambda route: held.append(route))
    alice.box.focus()
    press = "(link) => { link.click(); return document.activeElement === document.body; }"
    assert alice.row(scene.with_carol).get_by_role("link").evaluate(press), (
        "an Enter in the same moment would send what stands in bob's box"
    )
    alice.until(lambda: bool(held), "the page of carol's chat")
    chooses(alice, with_dave, "Dave")
    held.pop().continue_()
    alice.until_idle()
    shows(alice, with_dave, "Dave")
    alice.sees("from dave")


def test_a_chat_that_cannot_be_loaded_says_so_and_comes_with_the_line(visitor: VisitorMaker, line: Line) -> None:
    scene = Scene(visitor, address=line.address)
    alice = scene.alice_sits_with_bob()
    alice.box.fill("not lost")
    line.cut()
    alice.row(scene.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page could not be loaded.")).to_be_visible()
    expect(alice.page.locator("#say-status")).to_contain_text("This page could not be loaded.")
    expect(alice.page.get_by_role("button", name="Try again")).to_be_visible()
    chooses(alice, scene.with_bob, "Bob")
    expect(alice.box).to_have_value("not lost")
    alice.row(scene.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page could not be loaded.")).to_be_visible()
    line.mend()
    alice.sees("from carol")
    shows(alice, scene.with_carol, "Carol")
    assert is_the_same_page(alice)


def test_the_line_that_comes_back_does_not_undo_a_later_press(visitor: VisitorMaker, line: Line) -> None:
    scene = Scene(visitor, address=line.address)
    with_dave = scene.chat_with(visitor("dave"))
    alice = scene.alice_sits_with_bob()
    held: list[Route] = []
    alice.page.route(f"**/chats/{with_dave}/", lambda route: held.append(route))
    line.cut()
    alice.row(scene.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page could not be loaded.")).to_be_visible()
    alice.row(with_dave).get_by_role("link").click()
    alice.until(lambda: bool(held), "the page of dave's chat")
    assert scene.carol.person.write(scene.with_carol, "into the tunnel").status_code == 201
    with alice.page.expect_websocket(lambda socket: True):
        line.mend()
        alice.page.evaluate("dispatchEvent(new Event('online'))")
    expect(alice.row(scene.with_carol).locator('[data-part="badge"]')).to_have_text("2")
    held.pop().continue_()
    alice.sees("from dave")
    shows(alice, with_dave, "Dave")


def test_keys_pressed_one_after_another_go_on_from_the_chat_that_is_on_its_way(scene: Scene, visitor: VisitorMaker) -> None:
    with_dave = scene.chat_with(visitor("dave"))
    alice = scene.alice
    alice.open(with_dave)
    comfortable(alice)
    held: list[Route] = []
    alice.page.route(f"**/chats/{scene.with_carol}/", lambda route: held.append(route))
    alice.page.keyboard.press("Alt+ArrowDown")
    expect(alice.row(scene.with_carol).get_by_role("link")).to_have_attribute("aria-current", "page")
    alice.until(lambda: bool(held), "the page of carol's chat")
    alice.page.keyboard.press("Alt+ArrowDown")
    shows(alice, scene.with_bob, "Bob")
    alice.page.keyboard.press("Alt+ArrowUp")
    expect(alice.page).to_have_title(re.compile("Carol"))
    expect(alice.page.locator("main[aria-busy=true]")).to_be_visible()
    expect(alice.page.locator(".skip-link")).to_have_attribute("href", "#main")
    alice.page.keyboard.press("Alt+ArrowUp")
    shows(alice, with_dave, "Dave")


def test_a_list_that_was_scrolled_stays_where_it_is(visitor: VisitorMaker) -> None:
    scene = Scene(visitor, viewport={"width": 1000, "height": 500})
    alice = scene.alice
    rooms = []
    for number in range(10):
        friend = visitor(f"pal{number:02}")
        rooms.append(meet(alice, friend))
        assert friend.person.write(rooms[-1], "hi").status_code == 201
    scene.alice_sits_with_bob()
    tops = []
    for room, name in ((scene.with_carol, "Carol"), (rooms[-1], "Pal09")):
        alice.row(room).scroll_into_view_if_needed()
        before = alice.page.locator("#list").evaluate("(list) => list.scrollTop")
        chooses(alice, room, name)
        assert alice.page.locator("#list").evaluate("(list) => list.scrollTop") == before
        tops.append(before)
    assert tops[0] > tops[1]


def test_while_the_server_is_away_a_kept_chat_is_shown_and_another_one_waits(scene: Scene) -> None:
    alice = scene.alice_sits_with_bob()
    away = True
    alice.page.route("**/chats/dm-*/", lambda route: route.fulfill(status=503, body="") if away else route.continue_())
    alice.row(scene.with_carol).get_by_role("link").click()
    expect(alice.page.locator("main").get_by_text("This page could not be loaded.")).to_be_visible()
    chooses(alice, scene.with_bob, "Bob")
    alice.sees("from bob")
    alice.row(scene.with_carol).get_by_role("link").click()
    expect(alice.page.get_by_role("button", name="Try again")).to_be_visible()
    away = False
    alice.page.get_by_role("button", name="Try again").click()
    alice.sees("from carol")
    assert is_the_same_page(alice)


def test_from_a_chat_opened_by_its_address_the_empty_pane_offers_invites_in_a_dialog(scene: Scene) -> None:
    alice = scene.alice_sits_with_bob()
    alice.page.get_by_role("navigation", name="Lists").get_by_role("link", name="Chats").click()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Pick up where you left off")
    alice.page.locator("main").get_by_role("link", name="Invite a person").click()
    expect(alice.page.get_by_role("dialog", name="Invite one person")).to_be_visible()
    alice.page.keyboard.press("Escape")
    expect(alice.page.get_by_role("dialog")).to_have_count(0)
    assert is_the_same_page(alice)


def test_older_pages_for_browsers_without_scripts_are_left_as_pages(scene: Scene) -> None:
    alice = scene.alice
    alice.page.goto(f"/chats/{scene.with_bob}/?before=1")
    comfortable(alice)
    stays_on_this_page(alice)
    alice.page.evaluate("location.hash = '#message-box'")
    assert urlsplit(alice.page.url).query == "before=1"
    assert is_the_same_page(alice)
    alice.row(scene.with_carol).get_by_role("link").click()
    alice.sees("from carol")
    assert not is_the_same_page(alice)


def test_the_word_of_a_lost_connection_goes_along_from_chat_to_chat(visitor: VisitorMaker, line: Line) -> None:
    scene = Scene(visitor, address=line.address)
    alice = scene.alice_sits_with_bob()
    chooses(alice, scene.with_carol, "Carol")
    # There as a whole, not its name alone.
    alice.sees("from carol")
    line.cut()
    for room, name in ((scene.with_bob, "Bob"), (scene.with_carol, "Carol"), (scene.with_bob, "Bob")):
        expect(alice.strip).to_be_visible()
        expect(alice.strip.get_by_role("button", name="Try now")).to_be_visible()
        chooses(alice, room, name)
    expect(alice.strip).to_be_visible()
    line.mend()
    alice.strip.get_by_role("button", name="Try now").click()
    expect(alice.strip).to_be_hidden()
    chooses(alice, scene.with_carol, "Carol")
    expect(alice.strip).to_be_hidden()


def test_a_chat_with_much_that_is_new_opens_where_that_begins(scene: Scene) -> None:
    scene.read_all()
    alice = scene.alice_sits_with_bob()
    chooses(alice, scene.with_carol, "Carol")
    for number in range(70):
        assert scene.bob.person.write(scene.with_bob, f"news {number}").status_code == 201
    expect(alice.row(scene.with_bob).locator('[data-part="badge"]')).to_have_text("70")
    chooses(alice, scene.with_bob, "Bob")
    expect(alice.page.locator('[data-part="new-divider"]')).to_be_in_viewport()
    expect(alice.message("news 0")).to_be_in_viewport()
    assert is_the_same_page(alice)


def test_without_a_session_the_press_leads_to_the_log_in_and_from_there_to_the_chat(scene: Scene) -> None:
    alice = scene.alice_sits_with_bob()
    alice.context.clear_cookies()
    alice.row(scene.with_carol).get_by_role("link").click()
    alice.page.wait_for_url("**/accounts/login/**")
    alice.log_in(at="")
    shows(alice, scene.with_carol, "Carol")


def test_a_chat_that_was_closed_meanwhile_is_drawn_anew_when_it_is_opened_again(scene: Scene) -> None:
    lines: list[WebSocketRoute] = []
    scene.alice.page.route_web_socket("**/ws/**", lambda line: (lines.append(line), line.connect_to_server()))
    alice = scene.alice_sits_with_bob()
    chooses(alice, scene.with_carol, "Carol")
    conversation = alice.person.api("GET", f"/conversations/{scene.with_bob}").json()
    conversation["peer"]["name"] = "Bob the Second"
    lines[0].send(json.dumps({"type": "conversation.changed", "conversation": conversation}))
    expect(alice.row(scene.with_bob).locator('[data-part="name"]')).to_have_text("Bob the Second")
    with alice.page.expect_response(f"**/chats/{scene.with_bob}/"):
        alice.row(scene.with_bob).get_by_role("link").click()
    alice.sees("from bob")
    assert is_the_same_page(alice)


def test_the_row_pressed_with_control_opens_a_tab_as_any_link_does(scene: Scene) -> None:
    alice = scene.alice_sits_with_bob()
    with alice.context.expect_page() as opened:
        alice.row(scene.with_carol).get_by_role("link").click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Carol")
    shows(alice, scene.with_bob, "Bob")


def test_a_tab_holds_only_so_many_chats_and_loses_nothing_of_the_others(scene: Scene, visitor: VisitorMaker) -> None:
    alice = scene.alice
    friends = [visitor(f"friend{number}") for number in range(7)]
    rooms = [meet(alice, friend) for friend in friends]
    for friend, room in zip(friends, rooms, strict=True):
        assert friend.person.write(room, f"from {friend.name}").status_code == 201
    alice = scene.alice_sits_with_bob()
    for friend, room in zip(friends, rooms, strict=True):
        chooses(alice, room, friend.name)
        alice.sees(f"from {friend.name}")
    assert scene.bob.person.write(scene.with_bob, "second from bob").status_code == 201
    expect(alice.row(scene.with_bob).locator('[data-part="preview"]')).to_have_text("second from bob")
    with alice.page.expect_response(f"**/chats/{scene.with_bob}/"):
        chooses(alice, scene.with_bob, "Bob")
    alice.sees("from bob", "second from bob")
    assert is_the_same_page(alice)


def test_who_comes_back_to_a_chat_finds_the_place_that_was_left(scene: Scene) -> None:
    alice = scene.alice
    for number in range(80):
        assert scene.bob.person.write(scene.with_bob, f"line {number}\nand more of it\nand more").status_code == 201
    assert alice.person.api("PUT", f"/conversations/{scene.with_bob}/receipt", {"read": 81, "delivered": 81}).status_code < 300
    scene.alice_sits_with_bob()
    scroller = alice.page.locator('[data-view="scroller"]')
    scroller.hover()
    alice.page.mouse.wheel(0, -2_000)
    alice.page.wait_for_function("() => document.querySelector('[data-view=scroller]').scrollTop < -1000")
    alice.until_idle()
    top = """() => { const list = document.querySelector('[data-view=scroller]').getBoundingClientRect();
        const first = [...document.querySelectorAll('li[data-seq]')].find((li) => li.getBoundingClientRect().bottom > list.top);
        return [first.dataset.seq, Math.round(first.getBoundingClientRect().top)]; }"""
    before = alice.page.evaluate(top)
    chooses(alice, scene.with_carol, "Carol")
    chooses(alice, scene.with_bob, "Bob")
    after = alice.page.evaluate(top)
    assert after[0] == before[0]
    assert abs(after[1] - before[1]) <= 1


def test_on_a_phone_back_leads_to_the_list_where_it_was_with_the_focus_on_the_row(visitor: VisitorMaker) -> None:
    scene = Scene(visitor, **PHONE)
    alice = scene.alice
    for number in range(12):
        friend = visitor(f"pal{number:02}")
        assert friend.person.write(meet(alice, friend), "hi").status_code == 201
    alice.page.goto("/chats/")
    comfortable(alice)
    stays_on_this_page(alice)
    alice.row(scene.with_bob).scroll_into_view_if_needed()
    top = alice.page.locator("#list").evaluate("(list) => list.scrollTop")
    assert top > 0
    alice.row(scene.with_bob).get_by_role("link").tap()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    back = alice.page.get_by_role("link", name="Back to the chats")
    expect(back).to_be_focused()
    expect(alice.page.locator("#list")).to_be_hidden()
    back.tap()
    expect(alice.row(scene.with_bob).get_by_role("link")).to_be_focused()
    assert alice.page.locator("#list").evaluate("(list) => list.scrollTop") == top
    assert urlsplit(alice.page.url).path == "/chats/"
    # The link went back, and not one further: the history does not grow with every visit.
    alice.page.go_forward()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    assert is_the_same_page(alice)


def test_opened_by_its_address_on_a_phone_a_chat_leads_back_to_the_list_too(visitor: VisitorMaker) -> None:
    scene = Scene(visitor, **PHONE)
    alice = scene.alice_sits_with_bob()
    alice.page.get_by_role("link", name="Back to the chats").tap()
    expect(alice.row(scene.with_bob).get_by_role("link")).to_be_focused()
    expect(alice.page.locator(BOX)).to_have_count(0)
    assert is_the_same_page(alice)
    alice.page.go_back()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Bob")
    alice.sees("from bob")
