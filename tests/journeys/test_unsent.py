"""Unsent messages: confirmation after a day, sending failed ones again, a browser without storage."""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import NO_STORAGE, block_sends, reject_sends, start_chat

DAY_MS = 24 * 3_600_000


def test_messages_pending_for_a_day_ask_before_they_are_sent(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    bob.context.clock.install()
    allow_sends = block_sends(bob.page)
    bob.open(room)
    for body in ("yesterday's news", "better not"):
        bob.write(body)
        bob.sees_state(body, "pending")
    # In this order, or an attempt between the two would still be in time.
    bob.context.clock.fast_forward(DAY_MS + 60_000)
    allow_sends()
    for body in ("yesterday's news", "better not"):
        bob.sees_state(body, "failed")
        expect(bob.message(body)).to_contain_text("Not sent for more than a day. Send it now?")
    bob.message("yesterday's news").get_by_role("button", name="Send").click()
    alice.sees("yesterday's news")
    bob.message("better not").get_by_role("button", name="Discard").click()
    expect(bob.message("better not")).to_have_count(0)
    bob.page.reload()
    bob.until_ready()
    bob.sees("yesterday's news")
    alice.sees("yesterday's news")


def test_several_failed_messages_are_sent_again_together_and_in_order(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.open(room)
    rejecting = {"on": True}
    reject_sends(alice.page, code="forbidden", unless=lambda: not rejecting["on"])
    alice.open(room)
    alice.until_loaded("unsent-notice")
    again = alice.page.get_by_role("button", name="Try all again")
    alice.write("one")
    alice.sees_state("one", "failed")
    expect(again).to_be_hidden()
    for body in ("two", "three"):
        alice.write(body)
        alice.sees_state(body, "failed")
    expect(alice.page.get_by_text("3 messages not sent.", exact=True)).to_be_visible()
    rejecting["on"] = False
    again.click()
    bob.sees("one", "two", "three")
    alice.sees("one", "two", "three")
    expect(again).to_be_hidden()


def test_a_browser_without_storage_shows_a_warning_and_sends(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
    bob.context.add_init_script(NO_STORAGE)
    allow_sends = block_sends(bob.page)
    bob.open(room)
    bob.until_loaded("unsent-notice")
    warning = bob.page.get_by_text(
        "This browser can’t keep unsent messages. Leave this page open until they are sent."
    ).first
    expect(warning).to_be_hidden()
    bob.write("only in this page")
    bob.sees_state("only in this page", "pending")
    expect(warning).to_be_visible()
    expect(bob.page.locator("#say-status")).to_contain_text("can’t keep unsent messages")
    allow_sends()
    alice.sees("only in this page")
    bob.sees_state("only in this page", "read")
    expect(warning).to_be_hidden()
