"""Keyboard shortcuts: quick switcher, message list, Escape, copying, dropped files (checks 19 to 23).

One page of Alice stays open for most of these tests; each has its own chats.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.kept import KeptVisitors
from tests.journeys.visitors import Visitor, new_visitor, start_chat
from tests.rig.daphne_server import EntreServer


@pytest.fixture(scope="module")
def kept_alice(chromium: Browser, daphne_server: EntreServer) -> Iterator[KeptVisitors]:
    kept = KeptVisitors(
        lambda suffix: [new_visitor(chromium, daphne_server.address, f"keys{suffix}", name="Alice Vale")]
    )
    yield kept
    kept.leave()


@pytest.fixture
def alice(kept_alice: KeptVisitors, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with kept_alice.lend(request) as [alice]:
        yield alice


def open_chat(alice: Visitor, room: str) -> None:
    """Open a chat on the open page."""
    if alice.pages:
        alice.row(room).get_by_role("link").click()
        alice.page.wait_for_url(f"**/chats/{room}/")
        expect(alice.page.locator("main[aria-busy=true]")).to_have_count(0)
    else:
        alice.open(room)
    alice.until_ready()
    alice.until_lazy_parts_loaded()


def switcher(person: Visitor) -> Locator:
    return person.page.get_by_role("combobox", name="Search people and chats")


def options(person: Visitor) -> Locator:
    return person.page.get_by_role("option")


def chosen(person: Visitor) -> Locator:
    """The option that aria-activedescendant of the field names."""
    id = switcher(person).get_attribute("aria-activedescendant")
    assert id
    option = person.page.locator(f"#{id}")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(person.page.locator('[role="option"][aria-selected="true"]')).to_have_count(1)
    return option


def press_during_composition(element: Locator, key: str, **modifiers: object) -> None:
    """Press a key as during a composition: Safari reports keyCode 229 only, other browsers isComposing.

    No handler may react.
    """
    press = """(it, press) => it.dispatchEvent(
        new KeyboardEvent("keydown", { ...press, bubbles: true, cancelable: true }))"""
    for flag in ({"isComposing": True}, {"keyCode": 229}):
        assert element.evaluate(press, {"key": key, **modifiers, **flag}), (
            f"a handler reacted to {key} of an input method"
        )


def test_check_23_the_quick_switcher_finds_chats_and_people_in_latin_and_cyrillic(
    visitor: VisitorMaker,
) -> None:
    alice, ilya, marta, far = (
        visitor("alice", name="Alice Vale"),
        visitor("ilya", name="Илья Воронцов"),
        visitor("marta", name="Márta Oliveira"),
        visitor("zed", name="Зоя Ёлкина"),
    )
    quiet, loud = start_chat(alice, marta), start_chat(alice, ilya)
    ilya.send(loud, "Привет")
    marta.send(quiet, "Olá")
    alice.open(quiet)
    alice.until_lazy_parts_loaded()
    alice.sees("Olá")
    keys = alice.page.keyboard
    alice.box.fill("half a thought")
    keys.press("Control+k")
    expect(switcher(alice)).to_be_focused()
    # Without a search, the unread chat is first.
    expect(options(alice).first).to_have_accessible_name(f"Илья Воронцов @{ilya.username} 1 unread message")
    expect(chosen(alice)).to_have_attribute("data-room", loud)
    keys.type("ma")
    expect(options(alice).first).to_contain_text("Márta Oliveira")
    expect(chosen(alice)).to_have_attribute("data-room", quiet)
    keys.press("ControlOrMeta+a")
    keys.type("ел")
    expect(options(alice).first).to_contain_text("Зоя Ёлкина")
    listbox = alice.page.get_by_role("listbox", name="Chats and people")
    expect(listbox).to_be_visible()
    expect(listbox.get_by_role("group", name="People").get_by_role("option")).not_to_have_count(0)
    keys.press("Escape")
    expect(switcher(alice)).to_be_hidden()
    expect(alice.box).to_be_focused()
    expect(alice.box).to_have_value("half a thought")

    # The same key on a Cyrillic keyboard.
    alice.page.evaluate(
        """() => document.body.dispatchEvent(new KeyboardEvent("keydown",
            { key: "л", code: "KeyK", ctrlKey: true, bubbles: true, cancelable: true }))"""
    )
    expect(switcher(alice)).to_be_focused()
    # The open chat is not listed. People load a moment later.
    expect(options(alice).nth(1)).to_be_visible()
    keys.press("ArrowDown")
    second = options(alice).nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    assert chosen(alice).get_attribute("id") == second.get_attribute("id")
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    expect(options(alice).last).to_have_attribute("aria-selected", "true")
    keys.press("ArrowDown")
    # Keys of an input method do not choose a chat.
    first = chosen(alice).get_attribute("id")
    for key in ("ArrowDown", "Enter"):
        press_during_composition(switcher(alice), key)
    expect(switcher(alice)).to_be_focused()
    assert chosen(alice).get_attribute("id") == first
    keys.type("ил")
    expect(options(alice).first).to_contain_text("Илья")
    keys.press("Enter")
    alice.page.wait_for_url(f"**/chats/{loud}/")
    alice.until_ready()
    alice.until_lazy_parts_loaded()

    # A new person: one click opens a chat, which the peer does not see before the first message.
    alice.page.get_by_role("link", name="Search people and chats").click()
    expect(switcher(alice)).to_be_focused()
    keys.type(f"@{far.username}")
    expect(options(alice)).to_have_count(1)
    keys.press("Enter")
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Зоя Ёлкина")
    known_to_far = far.person.api("GET", "/conversations").json()["items"]
    assert known_to_far == []

    alice.until_ready()
    alice.until_lazy_parts_loaded()
    keys.press("Control+k")
    expect(switcher(alice)).to_be_focused()
    keys.type("nobody has this name")
    expect(alice.page.get_by_text("Nobody here is called “nobody has this name”.")).to_be_visible()
    expect(alice.page.locator("#say-status")).to_contain_text("Nobody found")


def test_check_21_shortcuts_move_between_chats_and_between_regions(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    rooms = []
    for name in ("bob", "carol", "dave"):
        friend = visitor(name)
        rooms.append(start_chat(alice, friend))
        friend.send(rooms[-1], f"from {name}")
    bob, carol, dave = rooms
    alice.mark_read(carol, 1)
    open_chat(alice, dave)
    for pressed, room in (("Alt+ArrowDown", carol), ("Alt+ArrowUp", dave), ("Alt+Shift+ArrowDown", bob)):
        alice.page.keyboard.press(pressed)
        alice.page.wait_for_url(f"**/chats/{room}/")
        alice.until_ready()
        alice.until_lazy_parts_loaded()
        expect(alice.row(room).locator("[aria-current=page]")).to_have_count(1)
        expect(alice.page.locator('[data-view="rows"] [aria-current=page]')).to_have_count(1)
        expect(alice.box).to_be_focused()
    where = (
        "document.activeElement"
        ".closest('[data-view=rows], [data-view=scroller], [data-view=composer]')?.dataset.view"
    )
    order = []
    for _ in range(4):
        order.append(alice.page.evaluate(where))
        alice.page.keyboard.press("F6")
    assert order == ["composer", "rows", "scroller", "composer"]
    alice.page.keyboard.press("Shift+F6")
    assert alice.page.evaluate(where) == "composer"
    alice.page.keyboard.press("Control+/")
    expect(alice.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    alice.page.keyboard.press("Escape")
    expect(alice.page.get_by_role("dialog")).to_have_count(0)
    expect(alice.box).to_be_focused()


def test_tab_stops_at_one_message_and_its_links(alice: Visitor, visitor: VisitorMaker) -> None:
    bob = visitor("bob")
    room = start_chat(alice, bob)
    for number in range(1, 4):
        bob.send(room, f"look at https://place{number}.example/")
    open_chat(alice, room)
    page, keys = alice.page, alice.page.keyboard
    articles, links = page.locator("article"), page.locator("article a:visible")
    expect(links).to_have_count(3)
    keys.press("Shift+F6")
    expect(articles.nth(2)).to_be_focused()
    keys.press("ArrowUp")
    expect(articles.nth(1)).to_be_focused()
    keys.press("Tab")
    expect(links.nth(1)).to_be_focused()
    # A toolbar is one stop (A4).
    keys.press("Tab")
    tools = page.get_by_role("toolbar", name="Message actions")
    expect(tools.get_by_role("button", name="Reply")).to_be_focused()
    keys.press("ArrowLeft")
    expect(tools.get_by_role("button", name="More actions")).to_be_focused()
    for stop in range(3):
        keys.press("Tab")
        assert not links.nth(2).evaluate("(link) => link === document.activeElement"), (
            f"a link of another message at stop {stop}"
        )
        if alice.box.evaluate("(box) => box === document.activeElement"):
            break
    expect(alice.box).to_be_focused()


def test_check_21_arrows_move_between_messages_and_letters_act_on_the_focused_one(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    bob = visitor("bob")
    room = start_chat(alice, bob)
    for text in ("one", "two", "three"):
        bob.send(room, text)
    open_chat(alice, room)
    page, keys = alice.page, alice.page.keyboard
    expect(page.locator('article[tabindex="0"]')).to_have_count(1)
    article = {text: alice.message(text).locator("article") for text in ("one", "two", "three")}
    keys.press("Shift+F6")
    expect(article["three"]).to_be_focused()
    keys.press("ArrowUp")
    expect(article["two"]).to_be_focused()
    expect(article["two"]).to_have_attribute("tabindex", "0")
    keys.press("Home")
    expect(article["one"]).to_be_focused()
    keys.press("ArrowUp")
    expect(article["one"]).to_be_focused()
    keys.press("c")
    expect(page.locator("#say-status")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "one"
    keys.press("Enter")
    expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
    keys.press("ArrowUp")
    expect(page.get_by_role("menuitemcheckbox").first).to_be_focused()
    keys.press("ArrowRight")
    expect(page.get_by_role("menuitemcheckbox").nth(1)).to_be_focused()
    for _step in ("Reply", "Copy text", "Copy link to message"):
        keys.press("ArrowDown")
        expect(page.get_by_role("menuitem", name=_step)).to_be_focused()
    keys.press("Enter")
    expect(article["one"]).to_be_focused()
    link = page.evaluate("navigator.clipboard.readText()")
    assert urlsplit(link).path == f"/chats/{room}/"
    assert urlsplit(link).query == "m=1"
    keys.press("Enter")
    keys.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(article["one"]).to_be_focused()
    expect(page.locator('[data-part="new-divider"]')).to_have_count(1)
    keys.press("End")
    expect(article["three"]).to_be_focused()
    keys.press("Escape")
    expect(alice.box).to_be_focused()
    # On a focused message a letter is a command; in the pane it starts an answer (X10).
    page.locator('[data-view="scroller"]').focus()
    keys.type("cheers")
    expect(alice.box).to_be_focused()
    expect(alice.box).to_have_value("cheers")


def test_check_22_escape_closes_one_thing_at_a_time(alice: Visitor, visitor: VisitorMaker) -> None:
    bob = visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "unread")
    open_chat(alice, room)
    divider = alice.page.locator('[data-part="new-divider"]')
    expect(divider).to_have_count(1)
    alice.message("unread").locator("article").click(button="right")
    expect(alice.page.get_by_role("menu")).to_be_visible()
    alice.page.keyboard.press("Control+k")
    alice.page.keyboard.press("Escape")
    expect(alice.page.get_by_role("menu")).to_have_count(0)
    alice.page.keyboard.press("Control+/")
    expect(alice.page.get_by_role("dialog")).to_be_visible()
    alice.page.keyboard.press("Escape")
    expect(alice.page.get_by_role("dialog")).to_have_count(0)
    expect(divider).to_have_count(1)
    alice.box.focus()
    alice.page.keyboard.press("Escape")
    expect(divider).to_have_count(0)
    # With nothing to close, Escape does nothing.
    alice.page.keyboard.press("Escape")
    assert re.search(rf"/chats/{room}/$", alice.page.url)


def test_check_19_no_shortcut_reacts_to_keys_of_an_input_method(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    """Neither in the message box nor on a focused message; Escape keeps the divider (X2)."""
    bob, carol = visitor("bob"), visitor("carol")
    room, other = start_chat(alice, bob), start_chat(alice, carol)
    for person, place in ((bob, room), (carol, other)):
        person.send(place, "unread")
    open_chat(alice, room)
    article = alice.message("unread").locator("article")
    for element in (alice.box, article):
        element.focus()
        for key, modifiers in (
            ("Escape", {}),
            ("Enter", {}),
            ("F6", {}),
            ("c", {"code": "KeyC"}),
            ("ArrowUp", {}),
            ("ArrowDown", {"altKey": True}),
            ("k", {"ctrlKey": True, "code": "KeyK"}),
            ("/", {"ctrlKey": True, "code": "Slash"}),
        ):
            press_during_composition(element, key, **modifiers)
        expect(element).to_be_focused()
    expect(alice.page.get_by_role("dialog")).to_have_count(0)
    expect(alice.page.get_by_role("menu")).to_have_count(0)
    expect(alice.page.locator('[data-part="new-divider"]')).to_have_count(1)
    assert alice.room == room
    alice.sees("unread")


def test_several_messages_are_copied_as_lines_with_time_and_name(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    bob = visitor("bob", name="Bob")
    room = start_chat(alice, bob)
    for text in ("first words", "second words", "> a quote\nand\n- one\n- two"):
        bob.send(room, text)
    open_chat(alice, room)
    select = """([from, to]) => {
        const selector = '[data-view="timeline"] > li[data-id] [data-part="body"]';
        const bodies = [...document.querySelectorAll(selector)];
        const range = document.createRange();
        range.setStart(bodies[0].firstChild, from);
        if (to === null) range.setEnd(bodies[2].querySelector("li").firstChild, 2);
        else range.setEnd(bodies[1].firstChild, to);
        const selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
    }"""
    alice.page.evaluate(select, [6, 6])
    alice.page.keyboard.press("Control+c")
    copied = alice.page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"\[\d\d:\d\d\] Bob: words\n\[\d\d:\d\d\] Bob: second", copied)
    # Of a message with blocks the shown part, each block on lines of its own.
    alice.page.evaluate(select, [6, None])
    alice.page.keyboard.press("Control+c")
    copied = re.sub(r"\[.*?\]", "-", alice.page.evaluate("navigator.clipboard.readText()"))
    assert copied == "- Bob: words\n- Bob: second words\n- Bob: a quote\nand\non"


def test_check_20_dropped_and_pasted_files_wait_in_the_tray(alice: Visitor, visitor: VisitorMaker) -> None:
    """Without a handler the browser would open the file in place of the chat."""
    bob = visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "look at this")
    open_chat(alice, room)
    alice.box.fill("half a thought")
    drop = """(kind) => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "holiday.png", { type: "image/png" }));
        const event = kind === "paste"
            ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true, cancelable: true })
            : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
        document.querySelector("main").dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    expect(alice.page.locator("[data-view=composer]")).to_have_attribute("data-takes-files", "true")
    for kind in ("dragover", "drop", "paste"):
        assert alice.page.evaluate(drop, kind), kind
    expect(alice.page.locator("[data-item]")).to_have_count(2)
    expect(alice.box).to_have_value("half a thought")
