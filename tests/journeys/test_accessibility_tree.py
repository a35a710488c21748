"""Check 27, screen readers: the accessibility tree of a chat, live regions, dialogs, menus and notices."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.accessibility_tree import AccessibilityTree
from tests.journeys.axe import violations
from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.page_catalogue import PICTURE
from tests.journeys.visitors import (
    Visitor,
    expect_no_overflow,
    log_in_as_another_user,
    reject_sends,
    start_chat,
)
from tests.journeys.visual_checks import LONGER, LONGER_SIZES, layout_faults
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
      textbox "Message" [focused]
      button "Emoji" [hasPopup=dialog]
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


def test_check_27_a_focused_message_has_its_actions_in_the_tree(alice: Visitor, bob: Visitor) -> None:
    room = start_chat(alice, bob)
    bob.send(room, "one", "two")
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


def test_check_27_on_a_narrow_screen_the_list_has_one_heading_and_a_skip_link(
    alice: Visitor, bob: Visitor
) -> None:
    """The hidden pane is not in the tree, and the skip link does not lead there."""
    start_chat(alice, bob)
    for width, target in ((390, "list"), (1280, "main")):
        alice.page.set_viewport_size({"width": width, "height": 800})
        for path in ("/chats/", "/people/"):
            alice.page.goto(path)
            lines = AccessibilityTree(alice.page).lines()
            assert len([line for line in lines if "heading 1" in line]) == 1, lines
            alice.page.keyboard.press("Tab")
            skip = alice.page.locator(":focus")
            expect(skip).to_have_text("Skip to the content")
            expect(skip).to_be_in_viewport()
            expect(skip).to_have_attribute("href", f"#{target}")
            expect(alice.page.locator(f"#{target}")).to_be_visible()
            skip.press("Enter")
            alice.page.keyboard.press("Tab")
            assert alice.page.evaluate(
                "(id) => document.getElementById(id).contains(document.activeElement)", target
            )


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
    # Nothing is announced when a page loads.
    alice.page.reload()
    idle(alice)
    for region in REGIONS:
        assert alice.announced(region) == []


def test_check_27_opening_another_chat_announces_nothing_and_each_message_is_announced_in_its_region(
    alice: Visitor, bob: Visitor, visitor: VisitorMaker
) -> None:
    """Opening a chat announces none of its messages.

    From then on its new messages are announced, and the previous chat is another chat.
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
    bob.send(room, "from another chat")
    expect(alice.page.locator("#say-status > p")).to_have_text(["New message from Bob"])
    assert [
        line
        for line in alice.announced("say-messages")
        if "another chat" in line or line in {"Carol: one", "Carol: three"}
    ] == []


def test_check_27_loading_earlier_messages_by_keyboard_is_announced(
    alice: Visitor, bob: Visitor, daphne_server: EntreServer
) -> None:
    room = start_chat(alice, bob)
    insert_history(daphne_server, room, timestamps(120), read=120)
    alice.open(room)
    alice.until_loaded("history-view")
    idle(alice)
    alice.page.locator('[data-view="scroller"]').focus()
    alice.page.keyboard.press("Home")
    expect(alice.page.locator("#say-status > p").first).to_have_text("50 earlier messages loaded")
    assert alice.announced("say-messages") == []


def test_check_27_the_live_region_keeps_twenty_lines_and_other_chats_are_announced_rarely(
    alice: Visitor, bob: Visitor, visitor: VisitorMaker
) -> None:
    carol = visitor("carol", name="Carol")
    room, other = start_chat(alice, bob), start_chat(alice, carol)
    alice.open(room)
    idle(alice)
    bob.send(room, *(f"line {number}" for number in range(25)))
    expect(alice.page.locator("#say-messages > p").last).to_have_text("Bob: line 24")
    assert alice.announced("say-messages") == [f"Bob: line {number}" for number in range(5, 25)]
    carol.send(other, "one", "two", "three")
    expect(alice.row(other).locator('[data-part="badge"]')).to_have_text("3")
    assert alice.announced("say-status").count("New message from Carol") == 1, "at most one in ten seconds"
    assert len(alice.announced("say-messages")) == 20


def test_check_27_a_failed_message_is_announced_assertively(alice: Visitor, bob: Visitor) -> None:
    room = start_chat(alice, bob)
    reject_sends(alice.page)
    alice.open(room)
    idle(alice)
    alice.write("rejected")
    alice.sees_state("rejected", "failed")
    expect(alice.page.locator("#say-alert > p")).to_have_text(["Not sent."])
    assert alice.announced("say-messages") == alice.announced("say-status") == []
    tree = without_times(AccessibilityTree(alice.page).lines("region", "Messages with Bob"))
    assert 'article "You: rejected 14:07 Not sent."' in tree
    assert 'button "Edit"' in tree
    assert 'button "Try again"' not in tree, "sending it again cannot help"
    assert 'button "Delete"' in tree


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
    alice.box.fill("half a thought")
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


def find_another_account(alice: Visitor) -> None:
    alice.box.fill("half a thought")
    log_in_as_another_user(alice)


def scroll_up(alice: Visitor) -> None:
    alice.page.locator('[data-view="scroller"]').hover()
    alice.page.mouse.wheel(0, -700)
    expect(alice.page.locator('[data-view="jump"]')).to_be_visible()
    for width in (1280, 1000, 820, 390):
        alice.page.set_viewport_size({"width": width, "height": 720})
        assert not alice.page.evaluate(COVERED), f"the button covers messages in a window of {width} px"
    expect(alice.page.locator("[data-shown]")).to_be_attached()


def write_too_much(alice: Visitor) -> None:
    alice.box.fill("x" * 8_010)
    expect(alice.page.get_by_text("10 characters too many")).to_be_visible()


def show_toast(alice: Visitor) -> None:
    alice.page.keyboard.press("Shift+F6")
    alice.page.keyboard.press("c")
    expect(alice.page.locator('[data-view="toast"]')).to_be_visible()


def go_offline(alice: Visitor) -> None:
    alice.context.set_offline(True)
    alice.page.evaluate("dispatchEvent(new Event('offline'))")
    expect(alice.strip).to_have_attribute("data-state", "offline")


def ask_to_leave(alice: Visitor) -> None:
    alice.box.fill("a draft")
    alice.until_draft_stored()
    alice.page.goto("/settings/")
    alice.page.evaluate("document.querySelector('form[action$=\"logout/\"]').requestSubmit()")
    expect(alice.page.get_by_role("dialog", name="Log out of this device?")).to_be_visible()


def crop_picture(alice: Visitor) -> None:
    alice.page.goto("/settings/profile/")
    alice.page.set_input_files(
        "input[name=picture]", {"name": "me.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    expect(alice.page.get_by_role("dialog", name="Crop your picture")).to_be_visible()


def reply_with_everything(alice: Visitor) -> None:
    """A quote, a reaction, an edit that was refused, and a reply in the composer."""
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
    alice.message("read").locator("article").click(button="right")
    alice.page.get_by_role("menuitem", name="Select").click()
    expect(alice.page.get_by_role("toolbar", name="Selected messages")).to_contain_text("1 selected")


OPENERS: dict[str, Callable[[Visitor], None]] = {
    "the quick switcher": open_switcher,
    "keyboard shortcuts": open_shortcuts,
    "a message menu": open_message_menu,
    "a focused message": focus_message,
    "a reply, a quote, a reaction and an edit that waits": reply_with_everything,
    "the question before a message is deleted": ask_before_deleting,
    "selected messages": select_messages,
    "the ended session": end_session,
    "another account": find_another_account,
    "the button to the newest message": scroll_up,
    "a text that is too long": write_too_much,
    "a toast": show_toast,
    "no connection": go_offline,
    "the confirmation of log-out": ask_to_leave,
    "a picture being cropped": crop_picture,
}
MODAL = {
    "the question before a message is deleted",
    "the quick switcher",
    "keyboard shortcuts",
    "the ended session",
    "another account",
    "the confirmation of log-out",
    "a picture being cropped",
}


@pytest.mark.parametrize("what", OPENERS)
def test_check_27_every_dialog_menu_and_notice_is_accessible(what: str, alice: Visitor, bob: Visitor) -> None:
    """Checked by axe-core, wide and narrow; contrast in both themes.

    A dialog is modal, has a name, and keeps the focus inside.
    """
    room = start_chat(alice, bob)
    # Few and high messages: enough to scroll, and little for axe-core to read.
    lines = "a line\n" * 15
    bob.send(room, *(f"message {number}\n{lines}end" for number in range(5)), "the last one")
    alice.open(room)
    idle(alice)
    alice.write("read")
    alice.sees_state("read", "sent")
    OPENERS[what](alice)
    page = alice.page
    if what in MODAL:
        expect_modal(page)
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 720})
        if what == "a message menu" and width == 320:
            # A resize closes the menu, because its message has moved.
            expect(page.get_by_role("menu")).to_have_count(0)
            page.keyboard.press("Enter")
        if width == 1280:
            page.emulate_media(color_scheme="dark")
            assert violations(page, "color-contrast") == []
            page.emulate_media(color_scheme="light")
        assert violations(page) == []
        expect_no_overflow(page)
    if what != "a message menu":
        # check 28; of the menu, which closes at each resize: test_longer_words.py.
        page.evaluate(LONGER)
        for size in LONGER_SIZES:
            page.set_viewport_size(size)
            assert (layout_faults(page), size) == ([], size)
    alice.faults.clear()


def expect_modal(page: Page) -> None:
    lines = AccessibilityTree(page).lines()
    (dialog,) = [line for line in lines if line.strip().startswith("dialog")]
    assert re.search(r'dialog ".+" \[modal', dialog)
    assert not [line for line in lines if line.strip().startswith(("main", "complementary"))], (
        "the page behind a modal dialog is not in the tree"
    )
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "!document.activeElement || document.activeElement === document.body"
            " || !!document.activeElement.closest('dialog[open]')"
        )
