"""The message box: Enter and Shift+Enter, input methods, growth, and the length counter (check 19, X1 to X4).

On a touch screen: test_touch.py.
"""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor, start_chat


def test_enter_sends_shift_enter_adds_a_line_and_the_focus_stays(visitor: VisitorMaker) -> None:
    """Blank text is not sent, nor is a text while an input method composes it."""
    alice, bob = visitor("alice"), visitor("bob")
    alice.open(start_chat(alice, bob))
    alice.box.press_sequentially("   ")
    alice.box.press("Shift+Enter")
    alice.box.press("Enter")
    alice.box.fill("")
    alice.box.press_sequentially("first line")
    alice.box.press("Shift+Enter")
    alice.box.press_sequentially("second line")
    expect(alice.bodies()).to_have_count(0)
    alice.box.press("Enter")
    alice.sees("first line\nsecond line")
    expect(alice.box).to_have_value("")
    expect(alice.box).to_be_focused()
    # She continues without focusing the box again.
    alice.page.keyboard.type("and on")
    alice.page.keyboard.press("Control+Enter")
    alice.sees("first line\nsecond line", "and on")
    expect(alice.box).to_be_focused()
    compose_japanese(alice)
    alice.sees("first line\nsecond line", "and on")
    alice.box.press("Enter")
    alice.sees("first line\nsecond line", "and on", "日本")


def compose_japanese(alice: Visitor) -> None:
    """Enter chooses a word there. Half-written Japanese must not be sent."""
    keyboard = alice.context.new_cdp_session(alice.page)
    keyboard.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    expect(alice.box).to_have_value("にほん")
    for kind in ("rawKeyDown", "keyUp"):
        keyboard.send(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229},
        )
    keyboard.send("Input.insertText", {"text": "日本"})
    expect(alice.box).to_have_value("日本")
    # Safari ends the composition before the key event, which then has keyCode 229 only.
    alice.box.evaluate(
        """(box) => box.dispatchEvent(new KeyboardEvent("keydown",
            { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }))"""
    )
    alice.box.evaluate(
        """(box) => box.dispatchEvent(new KeyboardEvent("keydown",
            { key: "Enter", isComposing: true, bubbles: true, cancelable: true }))"""
    )
    expect(alice.box).to_have_value("日本")


def test_the_box_grows_to_eight_lines_and_a_text_that_is_too_long_cannot_be_sent(
    visitor: VisitorMaker,
) -> None:
    alice, bob = visitor("alice"), visitor("bob")
    alice.open(start_chat(alice, bob))

    def height(lines: int) -> float:
        alice.box.fill("\n".join(["line"] * lines))
        box = alice.box.bounding_box()
        assert box
        assert lines > 8 or alice.box.evaluate("(box) => box.scrollHeight <= box.clientHeight + 4"), (
            f"not all of {lines} lines are visible"
        )
        return box["height"]

    heights = [height(lines) for lines in (1, 2, 4, 8, 9, 30)]
    assert heights[0] < heights[1] < heights[2] < heights[3], heights
    assert heights[4] == heights[5] < heights[3] + 22, heights

    alice.box.fill("x" * 8_001)
    expect(alice.page.locator('[data-part="counter"]')).to_have_text("1 character too many")
    expect(alice.page.get_by_role("button", name="Send")).to_be_disabled()
    alice.box.press("Enter")
    expect(alice.bodies()).to_have_count(0)
    alice.box.press("Backspace")
    expect(alice.page.locator('[data-part="counter"]')).to_have_text("8,000 / 8,000")
    alice.box.press("Enter")
    alice.sees("x" * 8_000)
    alice.sees_state("x" * 8_000, "sent")
