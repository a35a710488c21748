"""The invite dialog over an open chat: creating, copying, sharing, revoking, and accepted invites."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import (
    DESK,
    PHONE,
    Visitor,
    click_outside,
    expect_no_overflow,
    start_chat,
    token_of,
)
from tests.journeys.visual_checks import LONGER, LONGER_SIZES, layout_faults


@pytest.fixture
def alice(visitor: VisitorMaker) -> Visitor:
    """Alice, in an open chat with Bob."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.send(room, "Is there room for my sister?")
    alice.open(room)
    return alice


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Invite one person")


def opener_of(page: Page) -> Locator:
    """The button at the top of the list, once its script is loaded."""
    opener = page.locator('[data-view="list"] header a[aria-haspopup="dialog"]')
    expect(opener).to_have_accessible_name("Invite a person")
    return opener


def open_dialog(alice: Visitor) -> Locator:
    opener_of(alice.page).click()
    dialog = dialog_of(alice.page)
    expect(dialog).to_be_visible()
    return dialog


def open_invites(alice: Visitor) -> list[Any]:
    return [
        invite for invite in alice.person.api("GET", "/invites").json()["items"] if invite["state"] == "open"
    ]


def copied(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def announced(dialog: Locator) -> Locator:
    return dialog.locator('[data-say="say-status"]')


RECORD_LABELS = """button => {
    window.labels = [];
    const note = () => labels.push(button.textContent.trim());
    new MutationObserver(note).observe(button, { subtree: true, childList: true });
}"""


def expect_copied(dialog: Locator, *, times: int = 1) -> None:
    """By what screen readers are told, which stays: the button says so for two seconds, and a busy machine
    may look too late."""
    expect(announced(dialog).locator("p", has_text="Copied")).to_have_count(times)


def lifetime_of(invite: Any) -> timedelta:
    return datetime.fromisoformat(invite["expires_at"]) - datetime.fromisoformat(invite["created_at"])


def claim(user: Visitor, link: str, *, status: int = 201) -> None:
    assert user.person.api("POST", "/invites/claim", {"token": token_of(link)}).status_code == status


# --- Creating a link ---


def test_by_keyboard_opening_the_dialog_creates_no_link_and_a_typed_note_is_kept(alice: Visitor) -> None:
    """The focus stays in the dialog and returns to its opener."""
    page = alice.page
    opener = opener_of(page)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = dialog_of(page)
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    expect(dialog.get_by_label("Invite link")).to_have_attribute("placeholder", "Your link will appear here")
    for _step in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        ), "the focus stays in the dialog"
    dialog.get_by_role("button", name="Copy").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert open_invites(alice) == []

    open_dialog(alice).get_by_label("Who is it for?").fill("Grandma Zoya")
    # A click outside does not close the dialog while it has typed text.
    page.mouse.click(5, 5)
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(open_dialog(alice).get_by_label("Who is it for?")).to_have_value("Grandma Zoya")
    dialog.get_by_label("Who is it for?").fill("")
    click_outside(page, dialog)

    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    page.keyboard.press("Enter")
    expect_copied(dialog)
    assert re.fullmatch(rf"{re.escape(alice.address)}/i/[\w-]{{20,}}/", copied(page))
    assert alice.page.url.endswith(f"/chats/{alice.room}/"), "the chat is still open"


def test_the_first_copy_creates_the_one_link_which_is_changed_drawn_previewed_and_shared(
    alice: Visitor,
) -> None:
    page = alice.page
    page.evaluate("navigator.share = undefined")
    dialog = open_dialog(alice)
    expect(dialog.get_by_role("button", name="Share…")).to_have_count(0)
    dialog.get_by_label("Who is it for?").fill("Caio, from the choir")
    dialog.get_by_role("radio", name="1 day").check()
    button = dialog.get_by_role("button", name="Copy", exact=True)
    button.evaluate(RECORD_LABELS)
    button.click()
    expect_copied(dialog)
    assert page.evaluate("labels")[0] == "Copied"
    (made,) = open_invites(alice)
    assert copied(page) == dialog.get_by_label("Invite link").input_value() == made["url"]
    assert made["note"] == "Caio, from the choir"
    assert lifetime_of(made) == timedelta(days=1)
    expect(button).to_be_visible()
    button.dblclick()
    expect_copied(dialog, times=3)

    dialog.get_by_label("Who is it for?").press("End")
    dialog.get_by_label("Who is it for?").press_sequentially(" and his dog")
    dialog.get_by_role("radio", name="30 days").check()

    def is_stored(invite: Any) -> bool:
        return invite["note"] == "Caio, from the choir and his dog" and lifetime_of(invite) > timedelta(
            days=29
        )

    alice.until(lambda: all(map(is_stored, open_invites(alice))), "both changes are stored")

    code = dialog.get_by_role("button", name="QR code")
    expect(code).to_have_attribute("aria-expanded", "false")
    code.click()
    picture = dialog.get_by_role("img", name="QR code of the invite link")
    expect(picture).to_be_visible()
    expect(code).to_have_attribute("aria-expanded", "true")
    expect(picture).to_have_attribute("src", f"/invites/{made['id']}/qr.svg")
    assert picture.evaluate("image => image.naturalWidth") > 0
    code.click()
    expect(picture).to_be_hidden()

    with alice.context.expect_page() as opened:
        dialog.get_by_role("button", name="Preview").click()
    tab = opened.value
    expect(tab.get_by_role("heading", level=1)).to_have_text("This is your own invite")
    assert tab.evaluate("window.opener") is None
    tab.close()
    (changed,) = open_invites(alice)
    assert changed["id"] == made["id"], "copying and previewing create no second link"

    # The next dialog shares another link.
    page.keyboard.press("Escape")
    page.evaluate("navigator.share = (what) => { globalThis.shared = what; return Promise.resolve(); }")
    open_dialog(alice).get_by_role("button", name="Share…").click()
    page.wait_for_function("() => globalThis.shared")
    shared = page.evaluate("globalThis.shared")
    assert shared["url"] in {invite["url"] for invite in open_invites(alice)} - {made["url"]}
    assert "private chat" in shared["text"]


# --- Open links ---


def test_with_twenty_open_links_alice_revokes_one_after_a_question_and_makes_another(alice: Visitor) -> None:
    """The question is the same on the page of invites, and fits words two fifths longer (check 28)."""
    page = alice.page
    for number in range(19):
        alice.create_invite(f"Guest {number}")
    zoyas = alice.create_invite("Grandma Zoya")
    dialog = open_dialog(alice)
    why = dialog.get_by_text("Too many links haven’t been accepted yet.")
    expect(why).to_be_visible()
    expect(dialog.get_by_role("button", name="Copy", exact=True)).to_have_count(0)
    links = dialog.locator("[data-invite]")
    expect(links).to_have_count(20)
    zoya = links.filter(has_text="Grandma Zoya")
    zoya.get_by_role("button", name="Copy the link for Grandma Zoya").click()
    expect(announced(dialog)).to_contain_text("Copied")
    assert copied(page) == zoyas["url"]

    revoke = zoya.get_by_role("button", name="Revoke the link for Grandma Zoya")
    revoke.click()
    question = page.get_by_role("dialog", name="Revoke the link for Grandma Zoya? It will stop working.")
    expect(question.get_by_role("button", name="Keep")).to_be_focused()
    page.evaluate(LONGER)
    for size in LONGER_SIZES:
        page.set_viewport_size(size)
        assert (layout_faults(page), size) == ([], size)
    page.set_viewport_size(DESK)
    page.evaluate("restoreWords()")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(dialog).to_be_visible()
    revoke.click()
    click_outside(page, question)
    expect(dialog).to_be_visible()
    assert len(open_invites(alice)) == 20

    revoke.click()
    question.get_by_role("button", name="Revoke", exact=True).click()
    expect(links).to_have_count(19)
    expect(announced(dialog)).to_contain_text("The link no longer works.")
    assert "Grandma Zoya" not in {invite["note"] for invite in open_invites(alice)}
    assert page.evaluate("document.activeElement !== document.body"), "the focus moved to the next link"
    expect(why).to_be_hidden()
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect_copied(dialog, times=2)
    assert len(open_invites(alice)) == 20

    page.goto("/invites/")
    alice.until_loaded("confirm")
    of_guest = page.locator('[data-view="waiting"] > li').filter(has_text="Guest 7")
    of_guest.get_by_role("button", name="Revoke").click()
    question = page.get_by_role("dialog", name="Revoke the link for Guest 7? It will stop working.")
    question.get_by_role("button", name="Keep").click()
    assert len(open_invites(alice)) == 20
    of_guest.get_by_role("button", name="Revoke").click()
    question.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("You revoked it")).to_have_count(2)


# --- Accepted invites ---


def test_the_open_dialog_shows_that_carol_accepted(alice: Visitor, visitor: VisitorMaker) -> None:
    zoya = alice.create_invite("Grandma Zoya")["url"]
    dialog = open_dialog(alice)
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect_copied(dialog)
    note = dialog.get_by_label("Who is it for?")
    note.focus()

    carol, dave = visitor("carol"), visitor("dave")
    claim(carol, zoya)
    accepted = dialog.locator('[data-part="done"]')
    expect(accepted).to_have_text(re.compile("Carol accepted your invite"))
    expect(dialog.get_by_text("Not accepted yet")).to_be_hidden()
    expect(announced(dialog)).to_contain_text("Carol accepted your invite")
    expect(alice.page.locator('[data-view="toast"]')).to_be_hidden()
    expect(note).to_be_focused()

    claim(dave, dialog.get_by_label("Invite link").input_value())
    expect(accepted).to_contain_text("Dave accepted your invite")
    expect(dialog.get_by_label("Invite link")).to_be_hidden()
    assert alice.page.evaluate("document.activeElement.closest('dialog') !== null"), (
        "the focus stays in the dialog when the field goes"
    )
    dialog.get_by_role("button", name="Make another link").click()
    expect(dialog.get_by_label("Invite link")).to_have_value("")
    dialog.get_by_role("link", name="Open chat").last.click()
    alice.until_ready()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Dave")


def test_the_open_chat_shows_that_carol_accepted_and_typed_text_stays(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    """Also when she accepts while the page still loads; a chat without a link is no accepted invite."""
    links = [alice.create_invite()["url"] for _ in range(2)]
    accepted = alice.page.get_by_text("accepted your invite")
    dave = visitor("dave")
    found = start_chat(dave, alice)
    dave.send(found, "Found you in the list")
    expect(alice.row(found)).to_be_visible()
    alice.until_idle()
    expect(accepted).to_have_count(0)

    alice.box.press_sequentially("Half a sen")
    claim(visitor("carol"), links[0])
    toast = alice.page.locator('[data-view="toast"]')
    expect(toast).to_contain_text("Carol accepted your invite")
    expect(alice.box).to_be_focused()
    alice.box.press_sequentially("tence")
    expect(alice.box).to_have_value("Half a sentence")

    held: list[Route] = []
    alice.page.route(re.compile("/chat-features"), lambda route: held.append(route), times=1)
    alice.page.reload()
    alice.until(lambda: bool(held), "the request for the part that shows it")
    erin = visitor("erin")
    claim(erin, links[1])
    expect(alice.row(erin.person.api("GET", "/conversations").json()["items"][0]["room"])).to_be_visible()
    expect(accepted).to_have_count(0)
    for route in held:
        route.continue_()
    expect(toast).to_contain_text("Erin accepted your invite")


# --- Phones and failures ---


def test_on_a_phone_the_dialog_is_a_sheet_which_back_closes_and_the_accepted_chat_opens_from_it(
    visitor: VisitorMaker,
) -> None:
    alice = visitor("alice", viewport=PHONE, has_touch=True)
    alice.page.goto("/chats/")
    dialog = open_dialog(alice)
    box = dialog.bounding_box()
    assert box is not None
    assert (round(box["x"]), round(box["width"])) == (0, PHONE["width"])
    assert round(box["y"] + box["height"]) == PHONE["height"]
    expect_no_overflow(alice.page)
    alice.page.go_back()
    expect(dialog).to_be_hidden()
    expect(alice.page).to_have_url(re.compile(r"/chats/$"))
    # Closed by its button, the dialog leaves no history entry.
    open_dialog(alice).get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    alice.page.wait_for_function("() => history.state === null")

    open_dialog(alice).get_by_role("button", name="Copy", exact=True).click()
    expect_copied(dialog)
    claim(visitor("dave"), dialog.get_by_label("Invite link").input_value())
    dialog.locator('[data-part="done"]').get_by_role("link", name="Open chat").click()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Dave")
    expect(dialog).to_be_hidden()
    alice.page.go_back()
    expect(alice.page).to_have_url(re.compile(r"/chats/$"))
    expect(alice.row(alice.person.api("GET", "/conversations").json()["items"][0]["room"])).to_be_visible()


def test_a_dead_server_a_refused_clipboard_and_a_dialog_that_does_not_load_leave_a_way_on(
    alice: Visitor,
) -> None:
    """The note stays; the link is selected and the key is named; the page of invites opens."""
    dialog = open_dialog(alice)
    dialog.get_by_label("Who is it for?").fill("Caio")
    alice.page.route("**/api/v1/invites", lambda route: route.abort())
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("alert")).to_have_text("That didn’t work. Check your connection and try again.")
    expect(dialog.get_by_label("Who is it for?")).to_have_value("Caio")
    alice.page.unroute("**/api/v1/invites")
    dialog.get_by_role("button", name="Copy").click()
    expect_copied(dialog)
    expect(dialog.get_by_role("alert")).to_have_count(0)
    (invite,) = open_invites(alice)
    assert invite["note"] == "Caio"

    refuse = "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    alice.page.evaluate(
        f"() => {{ navigator.clipboard.write = navigator.clipboard.writeText = () => {refuse};"
        " document.execCommand = () => false; }"
    )
    # The button still says "Copied" for a moment.
    dialog.locator('[data-do="copy"]').click()
    expect(dialog.locator('[data-part="press"]')).to_have_text("Press Ctrl C")
    expect(announced(dialog)).to_contain_text("Press Ctrl C")
    field = dialog.get_by_label("Invite link")
    expect(field).to_be_focused()
    assert (
        field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)")
        == invite["url"]
    )
    alice.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    alice.page.route("**/invites/dialog/", lambda route: route.abort())
    opener_of(alice.page).click()
    expect(alice.page).to_have_url(re.compile(r"/invites/$"))
    expect(alice.page.get_by_role("button", name="Make a link")).to_be_visible()
