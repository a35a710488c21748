"""Invites from end to end (checks 1 to 3): create, accept through sign-up or log-in, preview, revoke."""

import re

import httpx
from playwright.sync_api import Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor, expect_no_overflow, start_chat

ROBOTS = (
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "facebookexternalhit/1.1",
    "Slackbot-LinkExpanding 1.0",
)


def create_link(inviter: Visitor) -> str:
    """Create a link with the buttons of the page, and read it from the clipboard."""
    page = inviter.page
    page.goto("/invites/")
    page.get_by_role("button", name="Make a link").click()
    field = page.get_by_label("Invite link").first
    expect(field).to_have_value(re.compile(rf"^{re.escape(inviter.address)}/i/[\w-]{{20,}}/?$"))
    # The script of the button may not have loaded: then it performs the press as soon as it has.
    page.get_by_role("button", name="Copy").first.click()
    # The button says so for two seconds only, and a busy machine may look too late.
    expect(page.locator("#say-status")).to_contain_text("Copied")
    link = str(page.evaluate("navigator.clipboard.readText()"))
    assert link == field.input_value()
    return link


def expect_state(page: Page, link: str, *, status: int, heading: str) -> None:
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == status
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(heading))
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.locator("main a[href], main button").count() >= 1, "no link or button leads on"
    expect_no_overflow(page)


def test_bob_signs_up_through_alices_link_and_carol_finds_it_used(visitor: VisitorMaker) -> None:
    alice, bob, carol = visitor("alice"), visitor("bob", signed_up=False), visitor("carol", signed_up=False)
    link = create_link(alice)
    # Alice is on another page, where the new chat must appear.
    alice.page.goto("/chats/")
    expect(alice.page.locator('[data-view="rows"] > li')).to_have_count(0)
    alice.until_loaded("buttons")

    bob.page.goto(link)
    expect(bob.page.get_by_role("heading", level=1)).to_have_text(
        re.compile("Alice invites you to a private chat")
    )
    assert "Alice" not in bob.page.title(), "link previews contain no names"
    bob.page.get_by_role("button", name="Create an account and accept").click()
    expect(bob.page.get_by_text("You will be in a private chat with Alice right after this.")).to_be_visible()
    assert link.rsplit("/i/")[1].strip("/") not in bob.page.url, "the token is not in later addresses"
    bob.sign_up(at="")
    bob.until_ready()
    expect(bob.page.get_by_role("heading", level=1)).to_have_text("Alice")
    expect(bob.box).to_be_focused()

    row = alice.page.locator('[data-view="rows"] > li')
    expect(row).to_have_count(1)
    expect(row.locator('[data-part="name"]')).to_have_text("Bob")
    bob.write("Your link worked")
    expect(row.locator('[data-part="preview"]')).to_have_text("Your link worked")
    expect(row.locator('[data-part="badge"]')).to_have_text("1")
    row.get_by_role("link").click()
    alice.until_ready()
    alice.write("Welcome")
    bob.sees("Your link worked", "Welcome")

    expect_state(carol.page, link, status=410, heading="already been accepted")
    assert not re.search(r"Alice|Bob", carol.page.content()), "a third person learns no names"
    # For Alice and Bob the link still works.
    bob.page.goto(link)
    expect(bob.page).to_have_url(re.compile(rf"/chats/{bob.room}/$"))
    expect_state(alice.page, link, status=200, heading="your own invite")
    expect(alice.page.get_by_text("Bob has accepted it.")).to_be_visible()


def test_bob_logs_in_through_alices_link_and_reaches_the_chat(visitor: VisitorMaker) -> None:
    """First he is logged in to another account, and is asked about its draft before he leaves it."""
    alice, bob, carol = visitor("alice"), visitor("bob", timezone_id="Asia/Tokyo"), visitor("carol")
    link = alice.create_invite()["url"]
    bob.open(start_chat(bob, carol))
    bob.box.press_sequentially("Half a letter")
    bob.until_draft_stored()
    bob.page.goto(link)
    # In his time zone.
    until = bob.page.locator("time[data-says]")
    there = until.evaluate(
        "time => new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' })"
        ".format(new Date(time.dateTime))"
    )
    expect(until).to_have_text(there)
    expect(bob.page.get_by_text("UTC")).to_have_count(0)

    bob.page.get_by_role("button", name="Use another account").click()
    question = bob.page.get_by_role("dialog", name="Log out of this device?")
    expect(question).to_contain_text("1 draft will be deleted from this device.")
    question.get_by_role("button", name="Stay").click()
    expect(bob.page.get_by_role("button", name="Accept and open the chat")).to_be_visible()
    assert bob.person.api("GET", "/me").status_code == 200, "Bob is still signed in"

    bob.page.get_by_role("button", name="Use another account").click()
    question.get_by_role("button", name="Log out").click()
    expect(bob.page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert bob.page.evaluate("Object.keys(localStorage).filter((name) => name.includes(':draft:'))") == []
    # As for a visitor.
    bob.page.goto(link)
    bob.page.get_by_role("button", name="I already have an account").click()
    bob.log_in(at="")
    bob.until_ready()
    expect(bob.page.get_by_role("heading", level=1)).to_have_text("Alice")


def test_bob_and_carol_accept_at_the_same_time_and_one_gets_the_chat(visitor: VisitorMaker) -> None:
    alice, bob, carol = visitor("alice"), visitor("bob"), visitor("carol")
    link = alice.create_invite()["url"]
    for rival in (bob, carol):
        rival.page.goto(link)
        expect(rival.page.get_by_text(f"(@{rival.username})")).to_be_visible()
        expect(rival.page.get_by_role("button", name="Accept and open the chat")).to_be_visible()
    for rival in (bob, carol):
        rival.page.get_by_role("button", name="Accept and open the chat").click(no_wait_after=True)
    for rival in (bob, carol):
        expect(rival.page.get_by_role("heading", level=1)).to_have_text(
            re.compile(r"^\s*Alice\s*$|already been accepted")
        )
    headings = sorted(rival.page.get_by_role("heading", level=1).inner_text() for rival in (bob, carol))
    assert headings == ["Alice", "This invite has already been accepted"]
    # A second link finds the chat of the first and is not used up.
    winner = next(rival for rival in (bob, carol) if "/chats/" in rival.page.url)
    second = alice.create_invite()
    expect_state(winner.page, second["url"], status=200, heading="already have a chat")
    winner.page.get_by_role("button", name="Open the chat").click()
    expect(winner.page).to_have_url(re.compile(r"/chats/dm-"))
    states = {invite["id"]: invite["state"] for invite in alice.person.api("GET", "/invites").json()["items"]}
    assert states[second["id"]] == "open"


def test_previews_and_alices_own_visit_do_not_use_up_the_link_and_revoking_ends_it(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob", signed_up=False)
    link = alice.create_invite()["url"]
    for robot in ROBOTS:
        for method in ("GET", "HEAD", "GET"):
            answer = httpx.request(method, link, headers={"User-Agent": robot})
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "noindex" in answer.headers["X-Robots-Tag"]
            meta = "".join(re.findall(r"<title>.*?</title>|<meta[^>]*>", answer.text, re.DOTALL))
            assert "Alice" not in meta
    expect_state(alice.page, link, status=200, heading="your own invite")
    expect(alice.page.get_by_text("Nobody has accepted it yet.")).to_be_visible()
    expect_state(bob.page, link, status=200, heading="Alice invites you")

    alice.page.get_by_role("button", name="Revoke this link").click()
    question = alice.page.get_by_role("dialog", name="Revoke this link? It will stop working.")
    question.get_by_role("button", name="Keep").click()
    expect_state(bob.page, link, status=200, heading="Alice invites you")
    alice.page.get_by_role("button", name="Revoke this link").click()
    question.get_by_role("button", name="Revoke").click()
    expect(alice.page.get_by_text("You revoked it")).to_be_visible()
    expect_state(bob.page, link, status=410, heading="has expired")
    assert "Alice" not in bob.page.content()
    expect_state(bob.page, f"{alice.address}/i/{'x' * 22}/", status=404, heading="can’t find this invite")
