"""The emoji panel, the completion of names, and markup in both bubbles."""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import start_chat


def test_alice_finds_emoji_by_keyboard_and_markup_is_drawn_in_both_bubbles(visitor: VisitorMaker) -> None:
    """Her text keeps its caret; markup is announced without its signs."""
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    alice.open(room)
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

    typed = "*bold* and `code`\n> quoted\n- one\n- two"
    alice.write(typed)
    bodies = alice.page.locator('[data-view="timeline"] [data-part="body"]')
    expect(bodies).to_have_count(2)
    bob.send(room, typed)
    expect(bodies).to_have_count(3)
    for body in (bodies.nth(1), bodies.nth(2)):
        expect(body.locator("strong")).to_have_text("bold")
        expect(body.locator("code")).to_have_text("code")
        expect(body.locator("blockquote")).to_have_text("quoted")
        expect(body.locator("li")).to_have_text(["one", "two"])
    expect(alice.page.locator("#say-messages")).to_contain_text("bold and code")
    expect(alice.page.locator("#say-messages")).not_to_contain_text("*")
