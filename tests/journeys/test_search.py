"""Search in messages: from the switcher, in one chat with hits and a date, and on the page of results."""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.long_history import insert_history, timestamps
from tests.journeys.visitors import SWITCHER_BUTTON, Visitor, start_chat
from tests.rig.daphne_server import EntreServer


def until_found(person: Visitor, words: str, number: int) -> None:
    """A message is in the index a moment after it was stored."""
    person.until_equal(
        lambda: len(person.person.api("GET", f"/search?q={words}").json()["items"]),
        number,
        f"{number} messages with {words!r}",
    )


def test_alice_finds_a_message_everywhere_and_in_the_chat(
    visitor: VisitorMaker, daphne_server: EntreServer
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    insert_history(
        daphne_server,
        room,
        timestamps(61),
        bodies=lambda n: "The harbour at noon" if n == 1 else f"line {n}",
        by=lambda n: False,
    )
    # The whole chat is indexed after it.
    bob.send(room, "Harbour or station?")
    until_found(alice, "harbour", 2)

    # From the switcher: snippet, marks, and a jump to a message that is not loaded.
    alice.open(room)
    alice.until_idle()
    page = alice.page
    page.locator(SWITCHER_BUTTON).click()
    field = page.get_by_role("combobox", name="Search people and chats")
    field.press_sequentially("harb noo")
    option = page.get_by_role("option", name="The harbour at noon")
    expect(option).to_have_count(0)
    field.fill("noon harb")
    expect(option.locator("mark")).to_have_text(["harbour", "noon"])
    option.click()
    expect(alice.message("The harbour at noon").locator("article")).to_be_focused()

    # In the chat: the number of hits, the newest first, and the way around them.
    page.keyboard.press("Control+Shift+F")
    bar = page.get_by_role("search", name="Search in this chat")
    query = bar.get_by_role("searchbox")
    query.press_sequentially("harbour")
    expect(bar).to_contain_text("1 of 2")
    expect(alice.message("Harbour or station?")).to_be_in_viewport()
    expect(query).to_be_focused()
    query.press("Enter")
    expect(bar).to_contain_text("2 of 2")
    expect(alice.message("The harbour at noon")).to_be_in_viewport()
    expect(page.locator("[data-hit]")).to_contain_text(["The harbour at noon"])
    query.press("Escape")
    expect(bar).to_have_count(0)
    expect(page.locator("[data-hit]")).to_have_count(0)

    # The page of all results, which changes while she types, and leads to the message.
    page.goto("/chats/?q=nothing")
    expect(page.get_by_text("No message has these words.")).to_be_visible()
    # At once: what is typed before the script has loaded is searched for, too.
    page.get_by_role("searchbox").fill("station")
    # The row of the chat shows the same message, as its newest one.
    results = page.locator('[data-view="found"]')
    results.get_by_role("link", name="Harbour or station?").click()
    expect(page).to_have_url(f"{alice.address}/chats/{room}/?m=62")
    expect(alice.message("Harbour or station?")).to_be_in_viewport()
