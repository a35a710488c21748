"""Check 27, screen readers: the accessibility tree of a chat, live regions, dialogs, menus and notices."""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.journeys.accessibility_tree import AccessibilityTree, expect_modal
from tests.journeys.axe import violations
from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.opened_files import choose_files_and_record
from tests.journeys.visitors import (
    DESK,
    Visitor,
    expect_no_overflow,
    log_in_as_another_user,
    reject_sends,
    session_cookies,
    start_chat,
)
from tests.journeys.visual_checks import LONGER, LONGER_SIZES, NARROW, THEMES, layout_faults
from tests.rig.daphne_server import EntreServer

REGIONS = ("say-messages", "say-status", "say-alert")


@pytest.fixture
def alice(visitor: VisitorMaker) -> Visitor:
    return visitor("alice", name="Alice")


@pytest.fixture
def bob(visitor: VisitorMaker) -> Visitor:
    return visitor("bob", name="Bob")


def idle(person: Visitor) -> None:
    """The lazy parts of the page respond, and no request is pending."""
    person.until_lazy_parts_loaded()
    person.until_idle()


def without_times(lines: list[str]) -> str:
    """The lines without the time of day and the suffix of the username."""
    return re.sub(r"@alice\d+", "@alice", re.sub(r"\d\d:\d\d", "14:07", "\n".join(lines)))


LIVE_CHAT = """\
RootWebArea "(1) Bob · Entre" [focused]
  link "Skip to the message box"
  complementary "Chats"
    link "Entre"
    link "Invite a person" [hasPopup=dialog]
    link "Search people and chats" [hasPopup=dialog]
    navigation "Lists"
      link "Chats 1"
      link "People"
    navigation "Chats"
      list
        listitem
          link "Carol 1 unread message from another chat 14:07"
        listitem
          link "Bob and two 14:07 online"
    link "Alice @alice"
    form
      button "Theme: match system"
    link "Settings"
  main
    heading 1 "Bob"
      button "Bob"
    link "Search in this chat"
    link "Who can read this"
    region "Messages with Bob"
      heading 2 "Just you and Bob"
      link "Who can read this"
      list
        listitem
          heading 2 "Today"
        listitem
          article "Bob: one 14:07"
        listitem
          article "You: mine 14:07 Read"
        listitem
          article "Bob: and two 14:07"
    form "Message"
      button "Attach a file" [hasPopup=menu]
      textbox "Message" [focused]
      button "Emoji" [hasPopup=dialog]
      button "Record a voice message"
  log
  status
  alert"""


def test_check_27_the_accessibility_tree_of_an_open_chat(
    alice: Visitor, bob: Visitor, visitor: VisitorMaker
) -> None:
    """Landmarks, headings, a list of named articles, a text box, three live regions; nothing unnamed."""
    carol = visitor("carol")
    room = start_chat(alice, bob)
    bob.send(room, "one")
    alice.open(room)
    bob.open(room)
    alice.write("mine")
    alice.sees_state("mine", "read")
    bob.write("and two")
    alice.sees("one", "mine", "and two")
    idle(alice)
    bob.until_loaded("presence-view")
    carol.send(start_chat(alice, carol), "from another chat")
    expect(alice.page.locator('[data-part="total-unread"]')).to_have_text("1")
    expect(alice.page.locator('[data-part="status"]')).to_have_text("online")
    expect(alice.page.locator('[data-view="rows"] > li').first).to_contain_text("Carol")

    # The order in a row: name, unread count, preview, time, "online", "muted".
    alice.page.get_by_role("heading", level=1).focus()
    alice.box.focus()
    alice.until_equal(lambda: without_times(AccessibilityTree(alice.page).lines()), LIVE_CHAT, "the tree")
    tree = AccessibilityTree(alice.page)
    # Only the three regions are live, and they are not atomic: a screen reader reads the new line, not all of
    # them.
    assert tree.live_regions() == {"log": "polite", "status": "polite", "alert": "assertive"}
    for region in ("log", "status", "alert"):
        assert tree.properties(region)["atomic"] is False, region
    expect(alice.row(room).get_by_role("link")).to_have_attribute("aria-current", "page")

    bob.sees_state("and two", "read")
    # The page rendered by the server has the same tree as the one drawn by the script.
    alice.page.reload()
    idle(alice)
    expect(alice.page.locator('[data-part="status"]')).to_have_text("online")
    alice.box.focus()
    alice.until_equal(
        lambda: without_times(AccessibilityTree(alice.page).lines()),
        LIVE_CHAT,
        "the tree rendered by the server",
    )


def test_check_27_a_focused_message_has_its_actions_in_the_tree_and_a_failed_one_is_announced_assertively(
    alice: Visitor, bob: Visitor
) -> None:
    room = start_chat(alice, bob)
    bob.send(room, "one", "two")
    reject_sends(alice.page)
    alice.open(room)
    idle(alice)
    alice.page.keyboard.press("Shift+F6")
    expect(alice.message("two").locator("article")).to_be_focused()
    assert without_times(AccessibilityTree(alice.page).lines("region", "Messages with Bob")) == "\n".join(
        [
            'region "Messages with Bob"',
            '  heading 2 "Just you and Bob"',
            '  link "Who can read this"',
            "  list",
            "    listitem",
            '      heading 2 "Today"',
            "    listitem",
            '      heading 2 "2 new messages"',
            "    listitem",
            '      article "Bob: one 14:07"',
            "    listitem",
            '      article "Bob: two 14:07" [focused]',
            '        toolbar "Message actions"',
            '          button "Reply"',
            '          button "React" [hasPopup=menu]',
            '          button "Copy text"',
            '          button "More actions" [hasPopup=menu]',
        ]
    )
    expect(alice.page.locator('article[tabindex="0"]')).to_have_count(1)
    alice.page.keyboard.press("Enter")
    assert AccessibilityTree(alice.page).lines("menu") == [
        'menu "Message actions"',
        '  group "React"',
        *[f'    menuitemcheckbox "{emoji}"' for emoji in ("👍", "❤️", "😂", "😮", "😢", "🙏")],
        '    menuitem "Other emoji"',
        '  menuitem "Reply" [focused]',
        '  menuitem "Copy text"',
        '  menuitem "Copy link to message"',
        '  menuitem "Forward…"',
        '  menuitem "Select"',
        '  menuitem "Info"',
        '  menuitem "Delete…"',
    ]
    alice.page.keyboard.press("Escape")
    alice.page.keyboard.press("Escape")
    expect(alice.box).to_be_focused()

    alice.write("rejected")
    alice.sees_state("rejected", "failed")
    expect(alice.page.locator("#say-alert > p")).to_have_text(["Not sent."])
    assert alice.announced("say-messages") == alice.announced("say-status") == []
    tree = without_times(AccessibilityTree(alice.page).lines("region", "Messages with Bob"))
    assert 'article "You: rejected 14:07 Not sent."' in tree
    assert 'button "Edit"' in tree
    assert 'button "Try again"' not in tree, "sending it again cannot help"
    assert 'button "Delete"' in tree


# --- Announcements (A1 to A3) ---


def test_check_27_each_arriving_message_is_announced_once_and_nothing_else(
    alice: Visitor, bob: Visitor, daphne_server: EntreServer
) -> None:
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(120), read=120)
    alice.open(room)
    bob.open(room)
    alice.until_loaded("history-view")
    idle(alice)
    bob.until_loaded("presence-view")
    for region in REGIONS:
        assert alice.announced(region) == [], "earlier messages are not announced"
    # Earlier messages, own messages, ticks and typing are not announced either.
    alice.page.locator('[data-view="scroller"]').evaluate(
        "(scroller) => { scroller.scrollTop = -scroller.scrollHeight; }"
    )
    expect(alice.bodies().first).to_contain_text("number 21 ")
    alice.write("mine")
    alice.sees_state("mine", "read")
    bob.box.press_sequentially("typing")
    expect(alice.page.locator('[data-part="status"]')).to_have_text("typing…")
    for region in REGIONS:
        assert alice.announced(region) == []
    bob.box.press("Enter")
    expect(alice.page.locator("#say-messages > p")).to_have_text(["Bob: typing"])
    bob.write("x" * 300)
    expect(alice.page.locator("#say-messages > p")).to_have_text(["Bob: typing", f"Bob: {'x' * 200}"])
    assert alice.announced("say-status") == alice.announced("say-alert") == []
    # Nothing is announced when a page loads, but earlier messages that are loaded by keyboard are.
    alice.page.reload()
    alice.until_loaded("history-view")
    idle(alice)
    for region in REGIONS:
        assert alice.announced(region) == []
    alice.page.locator('[data-view="scroller"]').focus()
    alice.page.keyboard.press("Home")
    expect(alice.page.locator("#say-status > p").first).to_have_text("50 earlier messages loaded")
    assert alice.announced("say-messages") == []


def test_check_27_opening_another_chat_announces_nothing_and_each_message_is_announced_in_its_region(
    alice: Visitor, bob: Visitor, visitor: VisitorMaker
) -> None:
    """Opening a chat announces none of its messages.

    From then on its new messages are announced, and the previous chat is another chat, announced once in ten
    seconds. The region keeps twenty lines.
    """
    carol = visitor("carol", name="Carol")
    room, other = start_chat(alice, bob), start_chat(alice, carol)
    bob.send(room, "old from bob")
    carol.send(other, "one", "two", "three")
    alice.open(room)
    idle(alice)
    bob.send(room, "new from bob")
    expect(alice.page.locator("#say-messages > p").last).to_have_text("Bob: new from bob")
    for chosen, name, bodies in (
        (other, "Carol", ["one", "two", "three"]),
        (room, "Bob", ["old from bob", "new from bob"]),
    ):
        before = alice.announced("say-messages")
        alice.row(chosen).get_by_role("link").click()
        expect(alice.page.get_by_role("heading", level=1)).to_have_text(name)
        alice.sees(*bodies)
        idle(alice)
        assert alice.announced("say-messages") in ([], before)
        assert [
            line for region in ("say-status", "say-alert") for line in alice.announced(region) if name in line
        ] == []
    alice.row(other).get_by_role("link").click()
    alice.sees("one", "two", "three")
    idle(alice)
    carol.send(other, "four")
    expect(alice.page.locator("#say-messages > p").last).to_have_text("Carol: four")
    bob.send(room, "from another chat", "and again", "and once more")
    expect(alice.row(room).locator('[data-part="preview"]')).to_have_text("and once more")
    expect(alice.page.locator("#say-status > p")).to_have_text(["New message from Bob"])
    assert [
        line
        for line in alice.announced("say-messages")
        if line.startswith("Bob: and ") or "another chat" in line or line in {"Carol: one", "Carol: three"}
    ] == []
    carol.send(other, *(f"line {number}" for number in range(25)))
    expect(alice.page.locator("#say-messages > p").last).to_have_text("Carol: line 24")
    assert alice.announced("say-messages") == [f"Carol: line {number}" for number in range(5, 25)]


# --- Dialogs, menus and notices ---


def open_switcher(alice: Visitor) -> None:
    alice.page.keyboard.press("Control+k")
    expect(alice.page.get_by_role("option").first).to_be_visible()


def open_shortcuts(alice: Visitor) -> None:
    alice.page.keyboard.press("Control+/")
    expect(alice.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def open_message_menu(alice: Visitor) -> None:
    alice.page.keyboard.press("Shift+F6")
    alice.page.keyboard.press("Enter")
    expect(alice.page.get_by_role("menu")).to_be_visible()


def focus_message(alice: Visitor) -> None:
    alice.page.keyboard.press("Shift+F6")
    expect(alice.page.get_by_role("toolbar", name="Message actions")).to_be_attached()


def end_session(alice: Visitor) -> None:
    alice.person.log_out()
    expect(alice.page.get_by_role("dialog", name="You have been logged out.")).to_be_visible()


COVERED = """() => {
    const boxOf = (name) => document.querySelector(`[data-view="${name}"]`).getBoundingClientRect();
    const [button, scroller, messages] = ["jump", "scroller", "timeline"].map(boxOf);
    const isBeside = button.left >= messages.right || button.right <= messages.left;
    const isOutside = button.top >= Math.min(scroller.bottom, messages.bottom) ||
        button.bottom <= scroller.top;
    return !isBeside && !isOutside;
}"""


def scroll_up(alice: Visitor) -> None:
    alice.page.locator('[data-view="scroller"]').hover()
    alice.page.mouse.wheel(0, -700)
    expect(alice.page.locator('[data-view="jump"]')).to_be_visible()
    for width in (1280, 1000, 820, 390):
        alice.page.set_viewport_size({"width": width, "height": 720})
        assert not alice.page.evaluate(COVERED), f"the button covers messages in a window of {width} px"
    # The day floats at the top for a moment after each turn of the wheel.
    alice.page.mouse.wheel(0, -1)
    expect(alice.page.locator("[data-shown]")).to_be_attached()


def write_too_much(alice: Visitor) -> None:
    alice.box.fill("x" * 8_010)
    expect(alice.page.get_by_text("10 characters too many")).to_be_visible()


def show_toast(alice: Visitor) -> None:
    alice.page.keyboard.press("Shift+F6")
    alice.page.keyboard.press("c")
    expect(alice.page.locator('[data-view="toast"]')).to_be_visible()


def ask_to_leave(alice: Visitor) -> None:
    alice.page.goto("/settings/")
    alice.page.evaluate("document.querySelector('form[action$=\"logout/\"]').requestSubmit()")
    expect(alice.page.get_by_role("dialog", name="Log out of this device?")).to_be_visible()


def reply_with_everything(alice: Visitor) -> None:
    """A quote, a reaction, an edit that waits for a connection, its notice, and a reply in the composer."""
    page = alice.page
    page.keyboard.press("Shift+F6")
    page.keyboard.press("r")
    alice.write("an answer")
    expect(alice.message("an answer").locator('[data-part="quote"]')).to_be_visible()
    alice.sees_state("an answer", "sent")
    page.keyboard.press("ArrowUp")
    alice.box.fill("a better answer")
    alice.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(alice.strip).to_have_attribute("data-state", "offline")
    page.keyboard.press("Enter")
    expect(alice.message("a better answer").locator('[data-part="edited"]')).to_have_text("saving…")
    alice.message("the last one").locator("article").click(button="right")
    page.get_by_role("menuitemcheckbox").first.click()
    expect(alice.message("the last one").locator('[data-part="reactions"]')).to_be_visible()
    # The menu has given the focus back to its message.
    page.keyboard.press("r")
    expect(page.locator('[data-part="mode"]')).to_be_visible()


def ask_before_deleting(alice: Visitor) -> None:
    alice.page.keyboard.press("Shift+F6")
    alice.page.keyboard.press("Delete")
    expect(alice.page.get_by_role("dialog", name="Delete this message?")).to_be_visible()


def select_messages(alice: Visitor) -> None:
    alice.message("mine").locator("article").click(button="right")
    alice.page.get_by_role("menuitem", name="Select").click()
    expect(alice.page.get_by_role("toolbar", name="Selected messages")).to_contain_text("1 selected")


def scroll_down(alice: Visitor) -> None:
    alice.page.locator('[data-view="jump"]').click()
    expect(alice.page.locator('[data-view="jump"]')).to_be_hidden()


def write_nothing(alice: Visitor) -> None:
    alice.box.fill("")
    expect(alice.page.get_by_text("10 characters too many")).to_be_hidden()


def press_escape(alice: Visitor) -> None:
    """Close what is open, and return to the message box."""
    alice.page.keyboard.press("Escape")
    for opened in (
        alice.page.locator("dialog[open]"),
        alice.page.get_by_role("toolbar", name="Selected messages"),
    ):
        expect(opened).to_be_hidden()
    alice.box.focus()


class Opener(NamedTuple):
    open: Callable[[Visitor], None]
    close: Callable[[Visitor], None] = press_escape
    is_modal: bool = False


# Each leaves the chat as it was; the last one ends without a connection.
IN_A_CHAT: dict[str, Opener] = {
    "the button to the newest message": Opener(scroll_up, scroll_down),
    "the quick switcher": Opener(open_switcher, is_modal=True),
    "keyboard shortcuts": Opener(open_shortcuts, is_modal=True),
    "a focused message": Opener(focus_message),
    "the question before a message is deleted": Opener(ask_before_deleting, is_modal=True),
    "selected messages": Opener(select_messages),
    "a text that is too long": Opener(write_too_much, write_nothing),
    "a toast": Opener(show_toast),
    "a reply, a quote, a reaction and an edit that waits, without a connection": Opener(
        reply_with_everything
    ),
}


def test_check_27_every_dialog_menu_and_notice_is_accessible(
    alice: Visitor, bob: Visitor, visitor: VisitorMaker
) -> None:
    """Checked by axe-core, wide and narrow, one in each theme; check 28 with words two fifths longer.

    A dialog is modal, has a name, and keeps the focus inside. Of those over other pages: test_every_page.py.
    """
    room = start_chat(alice, bob)
    # The switcher offers another chat than the open one.
    start_chat(alice, visitor("carol"))
    # Few and high messages: enough to scroll, and little for axe-core to read.
    lines = "a line\n" * 15
    bob.send(room, *(f"message {number}\n{lines}end" for number in range(5)), "the last one")
    alice.open(room)
    idle(alice)
    alice.write("mine")
    alice.sees_state("mine", "sent")
    for what, opener in IN_A_CHAT.items():
        opener.open(alice)
        expect_accessible(alice, what, is_modal=opener.is_modal)
        opener.close(alice)


def test_check_27_the_message_menu_is_accessible_fits_longer_words_and_closes_when_the_window_is_resized(
    alice: Visitor, bob: Visitor
) -> None:
    room = start_chat(alice, bob)
    bob.send(room, "Is there room?")
    alice.open(room)
    idle(alice)
    page, menu = alice.page, alice.page.get_by_role("menu")
    open_message_menu(alice)
    for size, theme in zip((DESK, NARROW), THEMES, strict=True):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        if size is NARROW:
            expect(menu).to_have_count(0)
            page.keyboard.press("Enter")
        expect(menu).to_be_visible()
        assert violations(page) == []
        expect_no_overflow(page)
    page.keyboard.press("Escape")
    page.evaluate(LONGER)
    for size in LONGER_SIZES:
        page.set_viewport_size(size)
        expect(menu).to_be_hidden()
        page.locator("article").last.press("Enter")
        expect(menu).to_be_visible()
        assert (layout_faults(page), size) == ([], size)


def test_check_27_chosen_files_an_upload_and_a_recording_are_accessible(alice: Visitor, bob: Visitor) -> None:
    alice.open(start_chat(alice, bob))
    idle(alice)
    choose_files_and_record(alice)
    expect_accessible(alice, "chosen files, an upload and a recording")


def test_check_27_the_dialogs_at_the_end_of_a_session_are_accessible(alice: Visitor, bob: Visitor) -> None:
    """The question before a log-out, the session that has ended, and another account in this browser."""
    room = start_chat(alice, bob)
    alice.open(room)
    alice.box.fill("half a thought")
    alice.until_draft_stored()
    ask_to_leave(alice)
    expect_accessible(alice, "the confirmation of log-out", is_modal=True)
    alice.open(room)
    alice.until_loaded("session-end")
    idle(alice)
    end_session(alice)
    expect_accessible(alice, "the ended session", is_modal=True)
    alice.person.log_in()
    alice.context.add_cookies(session_cookies(alice.person))
    log_in_as_another_user(alice)
    expect_accessible(alice, "another account", is_modal=True)


def expect_accessible(person: Visitor, what: str, *, is_modal: bool = False) -> None:
    page = person.page
    if is_modal:
        expect_modal(page)
    for size, theme in zip((DESK, NARROW), THEMES, strict=True):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        assert (violations(page), what) == ([], what)
        expect_no_overflow(page)
    page.evaluate(LONGER)
    for size in LONGER_SIZES:
        page.set_viewport_size(size)
        assert (layout_faults(page), what, size) == ([], what, size)
    page.evaluate("restoreWords()")
    page.set_viewport_size(DESK)
