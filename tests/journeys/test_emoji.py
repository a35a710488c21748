"""The emoji panel and the completion of names, by keyboard and on a phone; markup in both bubbles."""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat


def test_alice_finds_emoji_by_keyboard_and_her_text_keeps_its_caret(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    alice.open(start_chat(alice, bob))
    alice.box.press_sequentially("good night")
    for _ in "night":
        alice.box.press("ArrowLeft")
    # The script that listens gives the button this attribute.
    button = alice.page.locator('[data-action="emoji"][aria-haspopup]')
    panel = alice.page.get_by_role("dialog", name="Emoji")
    query = panel.get_by_role("searchbox", name="Search emoji")

    button.click()
    expect(query).to_be_focused()
    expect(panel.get_by_role("gridcell", name="grinning face", exact=True)).to_be_visible()
    query.press_sequentially("full moon")
    query.press("ArrowDown")
    expect(panel.get_by_role("gridcell", name="full moon", exact=True)).to_be_focused()
    alice.page.keyboard.press("Enter")
    expect(panel).to_be_hidden()
    expect(alice.box).to_be_focused()
    expect(alice.box).to_have_value("good 🌕night")

    # Escape closes the panel alone, and what was chosen stands first the next time.
    button.click()
    expect(panel.get_by_role("grid", name="Recently used").get_by_role("gridcell")).to_have_count(1)
    alice.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(alice.box).to_be_focused()

    alice.page.keyboard.press("End")
    alice.page.keyboard.type(" :tad")
    options = alice.page.get_by_role("listbox", name="Emoji").get_by_role("option")
    expect(options.first).to_contain_text("🎉")
    alice.page.keyboard.press("Enter")
    expect(alice.box).to_have_value("good 🌕night 🎉")
    alice.page.keyboard.press("Enter")
    alice.sees("good 🌕night 🎉")


def test_markup_is_drawn_for_both_and_copied_as_typed(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    bob.open(room)
    alice.open(room)
    typed = "*bold* and `code`\n> quoted\n- one\n- two"
    alice.box.fill(typed)
    alice.box.press("Enter")
    for person in (alice, bob):
        body = person.page.locator('[data-view="timeline"] [data-part="body"]')
        expect(body.locator("strong")).to_have_text("bold")
        expect(body.locator("code")).to_have_text("code")
        expect(body.locator("blockquote")).to_have_text("quoted")
        expect(body.locator("li")).to_have_text(["one", "two"])
    expect(bob.page.locator("#say-messages")).to_contain_text("bold and code")
    expect(bob.page.locator("#say-messages")).not_to_contain_text("*")
