"""The invite dialog over an open chat: creating, copying, sharing, revoking, and accepted invites."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import (
    PHONE,
    Visitor,
    click_outside,
    expect_no_overflow,
    start_chat,
    token_of,
)


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


def test_opening_the_dialog_creates_no_link_and_the_first_copy_creates_one(alice: Visitor) -> None:
    dialog = open_dialog(alice)
    field = dialog.get_by_label("Invite link")
    expect(field).to_have_attribute("placeholder", "Your link will appear here")
    alice.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert open_invites(alice) == []

    button = open_dialog(alice).get_by_role("button", name="Copy")
    button.evaluate(RECORD_LABELS)
    button.click()
    expect_copied(dialog)
    assert alice.page.evaluate("labels")[0] == "Copied"
    (invite,) = open_invites(alice)
    assert copied(alice.page) == field.input_value() == invite["url"]
    expect(dialog.get_by_role("button", name="Copy", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Copy", exact=True).dblclick()
    expect_copied(dialog, times=3)
    assert len(open_invites(alice)) == 1, "copying again creates no second link"
    assert alice.page.url.endswith(f"/chats/{alice.room}/"), "the chat is still open"


def test_alice_creates_and_copies_a_link_by_keyboard_and_the_focus_returns(alice: Visitor) -> None:
    page = alice.page
    opener = opener_of(page)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = dialog_of(page)
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    for _step in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        ), "the focus stays in the dialog"
    dialog.get_by_role("button", name="Copy").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_copied(dialog)
    assert re.fullmatch(rf"{re.escape(alice.address)}/i/[\w-]{{20,}}/", copied(page))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_note_and_lifetime_are_stored_with_the_link_and_saved_on_each_change(alice: Visitor) -> None:
    dialog = open_dialog(alice)
    dialog.get_by_label("Who is it for?").fill("Caio, from the choir")
    dialog.get_by_role("radio", name="1 day").check()
    dialog.get_by_role("button", name="Copy").click()
    expect_copied(dialog)
    (made,) = open_invites(alice)
    assert made["note"] == "Caio, from the choir"
    assert lifetime_of(made) == timedelta(days=1)

    dialog.get_by_label("Who is it for?").press("End")
    dialog.get_by_label("Who is it for?").press_sequentially(" and his dog")
    dialog.get_by_role("radio", name="30 days").check()

    def is_stored(invite: Any) -> bool:
        return invite["note"] == "Caio, from the choir and his dog" and lifetime_of(invite) > timedelta(
            days=29
        )

    alice.until(lambda: all(map(is_stored, open_invites(alice))), "both changes are stored")
    (changed,) = open_invites(alice)
    assert changed["id"] == made["id"]


def test_a_note_without_a_link_is_kept_when_the_dialog_closes(alice: Visitor) -> None:
    dialog = open_dialog(alice)
    dialog.get_by_label("Who is it for?").fill("Grandma Zoya")
    # A click outside does not close the dialog while it has typed text.
    alice.page.mouse.click(5, 5)
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(open_dialog(alice).get_by_label("Who is it for?")).to_have_value("Grandma Zoya")
    dialog.get_by_label("Who is it for?").fill("")
    click_outside(alice.page, dialog)


def test_the_qr_code_shows_this_link(alice: Visitor) -> None:
    dialog = open_dialog(alice)
    button = dialog.get_by_role("button", name="QR code")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    picture = dialog.get_by_role("img", name="QR code of the invite link")
    expect(picture).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    (invite,) = open_invites(alice)
    expect(picture).to_have_attribute("src", f"/invites/{invite['id']}/qr.svg")
    assert picture.evaluate("image => image.naturalWidth") > 0
    button.click()
    expect(picture).to_be_hidden()


def test_the_share_button_appears_where_the_system_can_share(alice: Visitor) -> None:
    page = alice.page
    expect(open_dialog(alice).get_by_role("button", name="Share…")).to_have_count(0)
    page.keyboard.press("Escape")
    page.evaluate("navigator.share = (what) => { globalThis.shared = what; return Promise.resolve(); }")
    open_dialog(alice).get_by_role("button", name="Share…").click()
    page.wait_for_function("() => globalThis.shared")
    shared = page.evaluate("globalThis.shared")
    (invite,) = open_invites(alice)
    assert shared["url"] == invite["url"]
    assert "private chat" in shared["text"]


def test_without_clipboard_access_the_link_is_selected_and_the_key_is_named(alice: Visitor) -> None:
    refuse = "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    alice.page.evaluate(
        f"() => {{ navigator.clipboard.write = navigator.clipboard.writeText = () => {refuse};"
        " document.execCommand = () => false; }"
    )
    dialog = open_dialog(alice)
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.locator('[data-part="press"]')).to_have_text("Press Ctrl C")
    expect(announced(dialog)).to_contain_text("Press Ctrl C")
    field = dialog.get_by_label("Invite link")
    expect(field).to_be_focused()
    assert (
        field.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)")
        == open_invites(alice)[0]["url"]
    )


def test_preview_opens_the_link_in_a_new_tab(alice: Visitor) -> None:
    with alice.context.expect_page() as opened:
        open_dialog(alice).get_by_role("button", name="Preview").click()
    tab = opened.value
    expect(tab.get_by_role("heading", level=1)).to_have_text("This is your own invite")
    assert tab.evaluate("window.opener") is None
    tab.close()


# --- Open links ---


def test_an_open_link_is_copied_and_revoked_after_a_confirmation(alice: Visitor) -> None:
    for note in ("Grandma Zoya", "Too late"):
        alice.create_invite(note)
    dialog = open_dialog(alice)
    links = dialog.locator("[data-invite]")
    expect(links).to_have_count(2)
    zoya = links.filter(has_text="Grandma Zoya")
    zoya.get_by_role("button", name="Copy the link for Grandma Zoya").click()
    expect(announced(dialog)).to_contain_text("Copied")
    assert copied(alice.page) == next(
        invite["url"] for invite in open_invites(alice) if invite["note"] == "Grandma Zoya"
    )

    zoya.get_by_role("button", name="Revoke the link for Grandma Zoya").click()
    question = alice.page.get_by_role(
        "dialog", name="Revoke the link for Grandma Zoya? It will stop working."
    )
    expect(question.get_by_role("button", name="Keep")).to_be_focused()
    alice.page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(dialog).to_be_visible()
    zoya.get_by_role("button", name="Revoke the link for Grandma Zoya").click()
    click_outside(alice.page, question)
    expect(dialog).to_be_visible()
    assert len(open_invites(alice)) == 2

    zoya.get_by_role("button", name="Revoke the link for Grandma Zoya").click()
    question.get_by_role("button", name="Revoke", exact=True).click()
    expect(links).to_have_count(1)
    expect(announced(dialog)).to_contain_text("The link no longer works.")
    assert [invite["note"] for invite in open_invites(alice)] == ["Too late"]
    assert alice.page.evaluate("document.activeElement !== document.body"), "the focus moved to the next link"


def test_with_twenty_open_links_alice_must_revoke_one_first(alice: Visitor) -> None:
    for number in range(20):
        alice.create_invite(f"Guest {number}")
    dialog = open_dialog(alice)
    why = dialog.get_by_text("Too many links haven’t been accepted yet.")
    expect(why).to_be_visible()
    expect(dialog.get_by_role("button", name="Copy", exact=True)).to_have_count(0)
    dialog.get_by_role("button", name="Revoke the link for Guest 7").click()
    alice.page.get_by_role("button", name="Revoke", exact=True).click()
    expect(why).to_be_hidden()
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect_copied(dialog)
    assert len(open_invites(alice)) == 20


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


def test_on_a_phone_the_accepted_chat_opens_from_the_dialog_and_back_shows_the_list(
    visitor: VisitorMaker,
) -> None:
    alice = visitor("alice", viewport=PHONE, has_touch=True)
    alice.page.goto("/chats/")
    dialog = open_dialog(alice)
    dialog.get_by_role("button", name="Copy", exact=True).click()
    expect_copied(dialog)
    claim(visitor("dave"), dialog.get_by_label("Invite link").input_value())
    dialog.locator('[data-part="done"]').get_by_role("link", name="Open chat").click()
    expect(alice.page.get_by_role("heading", level=1)).to_have_text("Dave")
    expect(dialog).to_be_hidden()
    alice.page.go_back()
    expect(alice.page).to_have_url(re.compile(r"/chats/$"))
    expect(alice.row(alice.person.api("GET", "/conversations").json()["items"][0]["room"])).to_be_visible()


def test_the_open_chat_shows_that_carol_accepted_and_typed_text_stays(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    link = alice.create_invite()["url"]
    alice.box.press_sequentially("Half a sen")
    claim(visitor("carol"), link)
    toast = alice.page.locator('[data-view="toast"]')
    expect(toast).to_contain_text("Carol accepted your invite")
    expect(alice.box).to_be_focused()
    alice.box.press_sequentially("tence")
    expect(alice.box).to_have_value("Half a sentence")


def test_an_invite_that_carol_accepts_while_the_page_still_loads_is_shown(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    link = alice.create_invite()["url"]
    carol = visitor("carol")
    held: list[Route] = []
    alice.page.route(re.compile("/chat-features"), lambda route: held.append(route), times=1)
    alice.page.reload()
    alice.until(lambda: bool(held), "the request for the part that shows it")
    claim(carol, link)
    expect(alice.row(carol.person.api("GET", "/conversations").json()["items"][0]["room"])).to_be_visible()
    for route in held:
        route.continue_()
    expect(alice.page.locator('[data-view="toast"]')).to_contain_text("Carol accepted your invite")


def test_a_chat_started_without_a_link_is_not_shown_as_an_accepted_invite(
    alice: Visitor, visitor: VisitorMaker
) -> None:
    carol = visitor("carol")
    room = start_chat(carol, alice)
    carol.send(room, "Found you in the list")
    expect(alice.row(room)).to_be_visible()
    alice.until_idle()
    expect(alice.page.get_by_text("accepted your invite")).to_have_count(0)


# --- Phones and failures ---


def test_on_a_phone_the_dialog_is_a_sheet_and_back_closes_it(visitor: VisitorMaker) -> None:
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


def test_the_button_leads_to_the_page_of_invites_when_the_dialog_fails_to_load(alice: Visitor) -> None:
    alice.page.route("**/invites/dialog/", lambda route: route.abort())
    opener_of(alice.page).click()
    expect(alice.page).to_have_url(re.compile(r"/invites/$"))
    expect(alice.page.get_by_role("button", name="Make a link")).to_be_visible()


def test_an_unreachable_server_is_reported_and_the_note_stays(alice: Visitor) -> None:
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
    assert open_invites(alice)[0]["note"] == "Caio"


def test_the_page_of_invites_asks_before_it_revokes_a_link(alice: Visitor) -> None:
    alice.create_invite("Grandma Zoya")
    alice.page.goto("/invites/")
    alice.until_loaded("confirm")
    alice.page.get_by_role("button", name="Revoke").click()
    question = alice.page.get_by_role(
        "dialog", name="Revoke the link for Grandma Zoya? It will stop working."
    )
    question.get_by_role("button", name="Keep").click()
    assert len(open_invites(alice)) == 1
    alice.page.get_by_role("button", name="Revoke").first.click()
    question.get_by_role("button", name="Revoke").click()
    expect(alice.page.get_by_text("You revoked it")).to_be_visible()
