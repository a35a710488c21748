"""A catalogue of every kind of page, for the tests that open all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.visitors import MESSAGE_BOX

PICTURE = (Path(__file__).resolve().parents[2] / "static" / "img" / "icon-192.png").read_bytes()


@dataclass(frozen=True)
class PageKind:
    """A page at `path`, opened by the user `who`.

    `PageSession` fills in `{room}` and the links of invites.
    """

    name: str
    who: str
    path: str
    status: int = 200
    prepare: Callable[[Page], None] | None = None


def submit_nothing(page: Page) -> None:
    page.locator("main form [type=submit], main form button:not([type])").last.click()
    # The summary of errors has the focus, so that screen readers read it first.
    expect(page.locator(".error-summary")).to_be_focused()


def choose_picture(page: Page) -> None:
    page.set_input_files(
        "input[name=picture]", {"name": "me.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    expect(page.get_by_role("dialog", name="Crop your picture")).to_be_visible()


def open_details(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.click()


def open_invite_dialog(page: Page) -> None:
    page.locator('[data-view="list"] header a[aria-haspopup="dialog"]').click()
    dialog = page.get_by_role("dialog", name="Invite one person")
    dialog.get_by_role("button", name="QR code").click()
    expect(dialog.get_by_role("img", name="QR code of the invite link")).to_be_visible()


def wait_for_script(page: Page) -> None:
    expect(page.locator(f"{MESSAGE_BOX}[enterkeyhint]")).to_be_visible()


PAGE_KINDS = (
    PageKind("landing", "visitor", "/"),
    PageKind("sign-up", "visitor", "/accounts/signup/"),
    PageKind("sign-up with errors", "visitor", "/accounts/signup/", prepare=submit_nothing),
    PageKind("log-in", "visitor", "/accounts/login/"),
    PageKind("log-in with errors", "visitor", "/accounts/login/", prepare=submit_nothing),
    PageKind("forgotten password", "visitor", "/accounts/password/reset/"),
    PageKind("invite, opened by a visitor", "visitor", "{open_link}"),
    PageKind("invite, used", "visitor", "{used_link}", status=410),
    PageKind("invite, expired", "visitor", "{gone_link}", status=410),
    PageKind("invite, unknown", "visitor", "/i/xxxxxxxxxxxxxxxxxxxxxx/", status=404),
    PageKind("not found", "visitor", "/nothing/here/", status=404),
    PageKind("inbox, empty", "newcomer", "/chats/"),
    PageKind("invites, none yet", "newcomer", "/invites/"),
    PageKind("invite, opened by a logged-in user", "newcomer", "{open_link}"),
    PageKind("a person's link", "newcomer", "{person_link}"),
    PageKind("inbox", "member", "/chats/"),
    PageKind("chat", "member", "/chats/{room}/", prepare=wait_for_script),
    PageKind("message menu", "member", "/chats/{room}/1/"),
    PageKind("files of a chat", "member", "/chats/{room}/files/"),
    PageKind("chat, empty", "member", "/chats/{empty_room}/", prepare=wait_for_script),
    PageKind("people", "member", "/people/"),
    PageKind("people, nobody found", "member", "/people/?q=nobodyhere"),
    PageKind("search", "member", "/chats/?q=hello"),
    PageKind("search in a chat, nothing found", "member", "/chats/?q=nothinghere&room={room}"),
    PageKind("invites", "member", "/invites/", prepare=open_details),
    PageKind("invite dialog over a chat", "member", "/chats/{room}/", prepare=open_invite_dialog),
    PageKind("invite, just created", "member", "/invites/?fresh={open_id}"),
    PageKind("invite, own", "member", "{open_link}"),
    PageKind("invite of a known person", "member", "{pair_link}"),
    PageKind("settings", "member", "/settings/"),
    PageKind("settings, profile", "member", "/settings/profile/"),
    PageKind("settings, privacy", "member", "/settings/privacy/"),
    PageKind("settings, appearance", "member", "/settings/appearance/"),
    PageKind("settings, notifications", "member", "/settings/notifications/"),
    PageKind("settings, account", "member", "/settings/account/"),
    PageKind("settings, devices", "member", "/settings/devices/"),
    PageKind("settings, a picture being cropped", "member", "/settings/profile/", prepare=choose_picture),
    PageKind("who can read this", "visitor", "/who-can-read-this/"),
    PageKind("change of password", "member", "/accounts/password/change/"),
    PageKind("email address", "member", "/accounts/email/"),
    PageKind("log-out", "member", "/accounts/logout/"),
    PageKind("not found, logged in", "member", "/chats/dm-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/", status=404),
)
