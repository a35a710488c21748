"""Check 28, zoom and longer words: at every size dialogs and failed messages fit.

The same of every page: test_every_page.py; of other dialogs and notices: test_accessibility_tree.py.
"""

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import PAGE_KINDS
from tests.journeys.page_session import PageSession
from tests.journeys.visitors import (
    expect_no_overflow,
    show_failed_messages_offline,
    start_chat,
)
from tests.journeys.visual_checks import (
    LONGER,
    LONGER_SIZES,
    MODES,
    broken_words,
    cut_texts,
    layout_faults,
    overlapping_texts,
    set_mode,
    set_styles,
    small_targets,
    zoom_faults,
)


def test_check_28_a_chat_with_failed_messages_fits_in_the_largest_text_at_400_percent(
    visitor: VisitorMaker,
) -> None:
    """With failed messages, both notices and a long text, the box and its button stay in view.

    With words two fifths longer, too.
    """
    alice, bob = (
        visitor("alice", name="Alice with a Name of Several Words"),
        visitor("bob", name="Bartholomew the Long-Named of Somewhere"),
    )
    room = start_chat(alice, bob)
    for number in range(12):
        bob.send(
            room,
            f"line {number} with some words in it, so that it takes more than one line in a narrow window",
        )
    # Its cookie is set by the answer.
    answer = alice.person.post_form("/settings/appearance/", only="text_size", text_size="largest")
    assert answer.status_code < 400
    show_failed_messages_offline(alice, room)
    expect(alice.page.locator('html[data-text="largest"]')).to_have_count(1)
    for mode in MODES:
        set_mode(alice.page, mode)
        assert zoom_faults(alice.page) == [], mode
    set_styles(alice.page, "")
    alice.page.evaluate(LONGER)
    for size in LONGER_SIZES:
        alice.page.set_viewport_size(size)
        assert (layout_faults(alice.page), size) == ([], size)
    alice.page.evaluate("restoreWords()")
    alice.box.fill("\n".join(f"line {number}" for number in range(30)))
    for mode in ("400 % zoom", "200 % zoom", "a phone in landscape"):
        set_mode(alice.page, mode)
        for control in (
            alice.box,
            alice.page.get_by_role("button", name="Send"),
            alice.page.get_by_role("heading", level=1),
        ):
            expect(control).to_be_in_viewport(ratio=0.9)


def test_check_28_dialogs_fit_and_can_be_closed(visitor: VisitorMaker) -> None:
    """Each mode is set before the dialog opens."""
    alice, bob = visitor("alice"), visitor("bob")
    alice.open(start_chat(alice, bob))
    page = alice.page
    alice.until_lazy_parts_loaded()
    alice.until_idle()
    for mode in ("320 px", "400 % zoom", "text at 200 % on a phone"):
        set_mode(page, mode)
        size = MODES[mode][0]
        for keys, dialog in (
            ("Control+k", page.get_by_role("dialog", name="Search people and chats")),
            ("Control+/", page.get_by_role("dialog", name="Keyboard shortcuts")),
        ):
            page.keyboard.press(keys)
            expect(dialog).to_be_visible()
            box = dialog.bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= size["width"] + 1
            assert box["y"] + box["height"] <= size["height"] + 1
            assert ([*cut_texts(page), *small_targets(page)], mode) == ([], mode)
            expect_no_overflow(page)
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)


# --- The checks themselves ---


def test_the_visual_checks_find_planted_faults(page_session: PageSession) -> None:
    """Otherwise the tests of every page would pass without checking anything."""
    page = page_session.open(PAGE_KINDS[0]).page
    set_styles(page, ".button { overflow: hidden; block-size: 6px; min-block-size: 0; padding: 0; }")
    assert [fault for fault in cut_texts(page) if "Log in" in fault]
    set_styles(page, "h1 { inline-size: 40px; }")
    assert [fault for fault in broken_words(page) if "conversation" in fault]
    set_styles(page, "h1 { inline-size: 40px; overflow-wrap: normal; }")
    assert [fault for fault in cut_texts(page) if "leaves its box" in fault]
    set_styles(page, ".landing__lead { margin-block-start: -60px; }")
    assert overlapping_texts(page)
    set_styles(page, ".languages__link { padding: 0; line-height: 1; }")
    assert small_targets(page)
    set_styles(page, "")


PLANTED = {
    "a button of fixed height": (
        "/",
        ".button { flex: none; inline-size: 200px; block-size: 32px; min-block-size: 0; padding-block: 0; }",
    ),
    "a heading of fixed width": ("/", "h1 { inline-size: 122px; overflow-wrap: normal; }"),
    "a tab that does not wrap": (
        "/chats/",
        ".tabs__tab { inline-size: 56px; flex: none; white-space: nowrap; }",
    ),
    "a choice without dots": ("/settings/privacy/", "select { text-overflow: clip; }"),
}


def test_the_visual_checks_find_text_that_does_not_fit(page_session: PageSession) -> None:
    """Otherwise the tests with longer words would pass without checking anything.

    With normal words nothing is found.
    """
    for plant, (path, css) in PLANTED.items():
        page = (page_session.visitor if path == "/" else page_session.newcomer).page
        page.set_viewport_size(LONGER_SIZES[-1])
        page.goto(path)
        set_styles(page, css)
        assert (cut_texts(page), plant) == ([], plant)
        page.evaluate(LONGER)
        assert cut_texts(page) != [], plant
