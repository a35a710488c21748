"""Checks 21 and 28, display modes: forced colours, contrast, visible focus, reduced motion, right to left."""

import io
import re
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.page_catalogue import PAGE_KINDS
from tests.journeys.page_session import PageSession
from tests.journeys.visitors import DESK, expect_no_overflow, saving, start_chat

CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary"
ARABIC = "مرحبا، كيف حالك اليوم؟"


def screenshot(page: Page, box: dict[str, float], margin: int = 6) -> Image.Image:
    size = page.viewport_size
    assert size
    left, top = max(0, box["x"] - margin), max(0, box["y"] - margin)
    right, bottom = (
        min(size["width"], box["x"] + box["width"] + margin),
        min(size["height"], box["y"] + box["height"] + margin),
    )
    clip: Any = {"x": left, "y": top, "width": max(1, right - left), "height": max(1, bottom - top)}
    return Image.open(io.BytesIO(page.screenshot(clip=clip, caret="hide"))).convert("RGB")


def screenshot_of(control: Locator) -> Image.Image:
    box: Any = control.bounding_box()
    assert box
    return screenshot(control.page, box, margin=0)


def copy_of(element: Locator, part: str) -> None:
    """A copy beside the element, as `data-part`, which no script of the page knows."""
    element.evaluate(
        "(it, part) => { const copy = it.cloneNode(true); copy.dataset.part = part; it.after(copy); }", part
    )


def is_drawn(image: Image.Image) -> bool:
    """Whether the image has more than one colour."""
    return any(lowest != highest for lowest, highest in image.getextrema())


def differ_visibly(one: Image.Image, other: Image.Image) -> bool:
    """Whether the images differ by a focus ring; single pixels differ by the smoothing of letters."""
    strongest = max(
        ImageChops.difference(one, other).split(), key=lambda channel: sum(channel.histogram()[40:])
    )
    return sum(strongest.histogram()[40:]) > (one.width + one.height) / 2


# --- Forced colours ---

# The box of a control; null if it is not meant to be visible.
CONTROL_BOX = """(it) => {
    if (it.closest(".skip-link") || getComputedStyle(it).opacity === "0") return null;
    const { x, y, width, height } = it.getBoundingClientRect();
    const isOnTop = (left) => it.contains(document.elementFromPoint(left, y + height / 2));
    const isAtTop = [x + 1, x + width - 1].every(isOnTop);
    return { x, y, width, height, isWhole: isAtTop && y >= 0 && y + height <= innerHeight };
}"""


def empty_controls(page: Page) -> list[str]:
    found = []
    window = screenshot(page, {"x": 0, "y": 0, **DESK})
    controls = page.locator(CONTROLS).and_(page.locator(":visible"))
    boxes: list[Any] = controls.evaluate_all(f"(all) => all.map({CONTROL_BOX})")
    for index, box in enumerate(boxes):
        if box is None:
            continue
        control = controls.nth(index)
        if box["isWhole"]:
            left, top = int(box["x"]), int(box["y"])
            seen = window.crop((left, top, int(box["x"] + box["width"]), int(box["y"] + box["height"])))
        else:
            control.scroll_into_view_if_needed()
            seen = screenshot_of(control)
        if not is_drawn(seen):
            found.append(str(control.evaluate("(it) => it.outerHTML.slice(0, 200)")))
    return found


def test_check_28_in_forced_colours_the_states_of_a_control_look_different(
    page_session: PageSession,
) -> None:
    page = page_session.open(next(kind for kind in PAGE_KINDS if kind.name == "settings, privacy")).page
    page.emulate_media(forced_colors="active")
    try:
        switch = page.get_by_role("switch", name="Typing")
        on = screenshot_of(switch)
        with saving(page):
            switch.uncheck()
        page.mouse.move(0, 0)
        switch.blur()
        assert screenshot_of(switch).tobytes() != on.tobytes()
        switch.check()
        here, elsewhere = (
            page.locator(f'nav a[href="/settings/{section}/"]').last for section in ("privacy", "devices")
        )
        assert border(here) != border(elsewhere)
        page.goto("/settings/appearance/")
        assert border(page.locator(".choice:has(:checked)").first) != border(
            page.locator(".choice:not(:has(:checked))").first
        )
        page_session.member.open(page_session.links["room"])
        # Who is online has arrived, so that it does not undo what is set below.
        page_session.member.until_lazy_parts_loaded()
        page_session.member.until_idle()
        rows = page.locator('[data-view="rows"] a')
        assert border(page.locator('[data-view="rows"] a[aria-current]')) != border(
            rows.and_(page.locator(":not([aria-current])")).first
        )
        assert border(page.locator(".message__bubble").first).startswith("1px solid")
        assert border(page.locator(".badge:visible").first).startswith("1px solid")
        tabs = page.locator(".tabs__tab")
        assert border(tabs.and_(page.locator("[aria-current]"))) != border(
            tabs.and_(page.locator(":not([aria-current])"))
        )
        # Drawn with a background colour alone: ticks, the online dot, the typing dots.
        assert is_drawn(screenshot_of(page.locator(".message__ticks").last))
        # Copies: presence events change the originals.
        copy_of(page.locator(".row .avatar").first, "copied avatar")
        face = page.locator('[data-part="copied avatar"]')
        face.evaluate("(it) => { it.dataset.online = 'false'; }")
        offline = screenshot_of(face)
        face.evaluate("(it) => { it.dataset.online = 'true'; }")
        assert screenshot_of(face).tobytes() != offline.tobytes()
        copy_of(page.locator('[data-part="typing"]'), "copied typing")
        typing = page.locator('[data-part="copied typing"]')
        typing.evaluate("(it) => { it.hidden = false; }")
        typing.scroll_into_view_if_needed()
        assert is_drawn(screenshot_of(typing.locator(".typing__dot").first))
        # The box shows its focus by its border colour, which forced colours override, so there is an outline.
        page.get_by_role("heading", level=1).focus()
        calm = page.locator(".composer").evaluate("(box) => getComputedStyle(box).outlineStyle")
        page.locator("textarea").focus()
        assert (calm, page.locator(".composer").evaluate("(box) => getComputedStyle(box).outlineStyle")) == (
            "none",
            "solid",
        )
        page_session.member.until_lazy_parts_loaded()
        page.keyboard.press("Control+k")
        options = page.get_by_role("option")
        expect(options.nth(1)).to_be_visible()
        assert border(page.locator('[role="option"][aria-selected="true"]')) != border(
            page.locator('[role="option"][aria-selected="false"]').first
        )
        page.keyboard.press("Escape")
        page_session.visitor.page.goto("/")
        page_session.visitor.page.emulate_media(forced_colors="active")
        languages = page_session.visitor.page.locator(".languages a")
        assert border(languages.and_(page_session.visitor.page.locator("[aria-current]"))) != border(
            languages.last
        )
    finally:
        page.emulate_media(forced_colors="none")
        page_session.visitor.page.emulate_media(forced_colors="none")


BORDER = """(it) => {
    const { borderTopWidth, borderTopStyle } = getComputedStyle(it);
    return it.isConnected && `${borderTopWidth} ${borderTopStyle}`;
}"""


def border(element: Locator) -> str:
    """Width and style. An option that was replaced by another result has none, so it is found again."""
    while not (style := element.evaluate(BORDER)):
        pass
    return str(style)


# --- More contrast ---


def contrast(one: str, other: str) -> float:
    """The WCAG 2 contrast ratio of two CSS colours."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_check_28_with_more_contrast_lines_and_small_text_are_strong(page_session: PageSession) -> None:
    """Lines have the contrast of control borders, times and hints that of other text (V3), in both themes."""
    page = page_session.open(next(kind for kind in PAGE_KINDS if kind.name == "chat"), size=DESK).page
    themes: tuple[Any, ...] = ("light", "dark")
    try:
        for theme in themes:
            page.emulate_media(color_scheme=theme, contrast="more")
            behind = colour(page.locator(".list-pane"), "backgroundColor")
            assert contrast(colour(page.locator(".list-pane"), "borderRightColor"), behind) >= 3, theme
            assert contrast(colour(page.locator(".peer-header"), "borderBottomColor"), behind) >= 3, theme
            assert contrast(colour(page.locator(".row__time").last, "color"), behind) >= 7, theme
    finally:
        page.emulate_media(color_scheme="light", contrast="no-preference")


def colour(element: Locator, of: str) -> str:
    return str(element.evaluate("(it, of) => getComputedStyle(it)[of]", of))


# --- Visible focus ---

FOCUSED = """() => {
    const it = document.activeElement;
    if (!it || it === document.body) return null;
    const frame = it.closest(".choice, .composer:has(textarea:focus), .picture__choose") ?? it;
    const { x, y, width, height } = frame.getBoundingClientRect();
    const looks = `${it.localName} ${it.className} ${it.ariaCurrent} ${it.checked}`;
    return { x, y, width, height, looks, says: it.outerHTML.slice(0, 120) };
}"""
# Tab continues from the place of a removed element that had the focus: here the top of the page.
FOCUS_TOP = """() => {
    const at = document.createElement("i");
    at.tabIndex = -1;
    document.body.prepend(at);
    at.focus();
    at.remove();
}"""
# The composer shows that the focus is inside it, so its button is compared with the box focused.
BLUR = """() => {
    const left = window.left = document.activeElement;
    if (left.matches(".composer button")) left.form.querySelector("textarea").focus();
    else left.blur();
}"""
# The buttons beside a focused message do not count as its focus indicator.
HIDE_MESSAGE_TOOLS = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".message-tools:not(:focus-within) { opacity: 0 !important; }");
    document.adoptedStyleSheets.push(sheet);
}"""
PAGES_OF_CONTROLS = (
    "sign-up with errors",
    "inbox",
    "chat",
    "invites",
    "settings, privacy",
    "settings, appearance",
    "settings, profile",
)
IN_EVERY_MODE = {"sign-up with errors", "chat", "settings, privacy"}
MODES: tuple[Any, ...] = (
    {"color_scheme": "light", "forced_colors": "none"},
    {"color_scheme": "light", "forced_colors": "active"},
    {"color_scheme": "dark", "forced_colors": "active"},
    {"color_scheme": "dark", "forced_colors": "none"},
)


def test_check_21_and_28_every_control_and_its_focus_are_visible(page_session: PageSession) -> None:
    """Compares screenshots with and without the focus; the focused element is inside the window.

    Forced colours remove backgrounds and shadows, so a control drawn with these alone would be an empty area.
    In the light theme; in the dark one, whose rings are the same tokens, on one page of each kind.
    """
    compared: set[str] = set()
    for name in PAGES_OF_CONTROLS:
        page = page_session.open(next(kind for kind in PAGE_KINDS if kind.name == name), size=DESK).page
        try:
            expect_visible_focus_at_every_tab_stop(page, compared)
            for mode in MODES[1 : None if name in IN_EVERY_MODE else 2]:
                page.emulate_media(**mode)
                for index in range(page.evaluate("window.stops.length")):
                    page.evaluate("(index) => window.stops[index].focus({ focusVisible: true })", index)
                    expect_visible_focus(page, page.evaluate(FOCUSED), str(mode))
                if mode["forced_colors"] == "active":
                    assert (empty_controls(page), name, mode) == ([], name, mode)
        finally:
            page.emulate_media(**MODES[0])


def expect_visible_focus_at_every_tab_stop(page: Page, compared: set[str]) -> None:
    """Tab goes all the way round. Of elements that look alike, the first of all pages is compared."""
    page.evaluate(FOCUS_TOP)
    page.evaluate("() => { window.stops = []; }")
    for step in range(60):
        page.keyboard.press("Tab")
        focused: Any = page.evaluate(FOCUSED)
        if focused is None:
            assert step > 6, "Tab leaves the page early"
            return
        assert focused["y"] + focused["height"] >= 0, focused["says"]
        assert focused["y"] <= DESK["height"], f"{focused['says']} is outside of the window"
        if focused["looks"] in compared:
            continue
        compared.add(focused["looks"])
        page.evaluate("window.stops.push(document.activeElement)")
        expect_visible_focus(page, focused, "light")
    raise AssertionError("Tab never leaves the page")


def expect_visible_focus(page: Page, focused: Any, mode: str) -> None:
    with_focus = screenshot(page, focused)
    page.evaluate(BLUR)
    without = screenshot(page, focused)
    assert differ_visibly(with_focus, without), f"{mode}: nothing shows the focus of {focused['says']}"
    # The buttons beside a message are there while it has the focus.
    page.evaluate("window.left.focus({ preventScroll: true, focusVisible: true })")


def test_check_21_the_focus_is_visible_on_a_message_and_in_its_menu(page_session: PageSession) -> None:
    """In both themes and in forced colours."""
    alice = page_session.member
    page = alice.page
    page.set_viewport_size(DESK)
    alice.open(page_session.links["room"])
    alice.until_lazy_parts_loaded()
    alice.until_loaded("message-tools")
    page.evaluate(HIDE_MESSAGE_TOOLS)
    article = page.locator("article").last
    alice.box.focus()
    for mode in MODES:
        page.emulate_media(**mode)
        page.keyboard.press("Shift+F6")
        expect(article).to_be_focused()
        box: Any = article.bounding_box()
        with_focus = screenshot(page, box)
        page.keyboard.press("Escape")
        expect(alice.box).to_be_focused()
        assert differ_visibly(with_focus, screenshot(page, box)), mode
        page.keyboard.press("Shift+F6")
        page.keyboard.press("Enter")
        first, second = page.get_by_role("menuitem").all()[1:3]
        expect(first).to_be_focused()
        with_focus = screenshot_of(first)
        page.keyboard.press("ArrowDown")
        expect(second).to_be_focused()
        assert differ_visibly(with_focus, screenshot_of(first)), mode
        page.keyboard.press("Escape")
        expect(article).to_be_focused()
        page.keyboard.press("Escape")
        expect(alice.box).to_be_focused()
    page.emulate_media(**MODES[0])


# --- Motion ---

ANIMATIONS = """() => document.getAnimations().map(
    (one) => `${one.animationName ?? one.transitionProperty} of ${one.effect.target?.className}`)"""


# Read in the task of the click: smooth scrolling would still be near its start.
JUMP = """() => {
    const scroller = document.querySelector('[data-view="scroller"]');
    document.querySelector('[data-view="jump"]').click();
    return scroller.scrollTop;
}"""


def test_check_28_with_reduced_motion_nothing_is_animated(visitor: VisitorMaker) -> None:
    """Not even the typing dots, and the chat jumps to the newest message instead of scrolling.

    Otherwise the dots are the only endless animation, and only while Bob types.
    The length of transitions: tests/project/test_motion.py.
    """
    alice, bob = visitor("alice"), visitor("bob")
    room = start_chat(alice, bob)
    start_chat(alice, visitor("carol"))
    lines = "a line\n" * 15
    bob.send(room, *(f"message {number}\n{lines}end" for number in range(4)))
    alice.mark_read(room, 4)
    alice.open(room)
    bob.open(room)
    page = alice.page
    alice.until_loaded("history-view")
    for person in (alice, bob):
        person.until_loaded("presence-view")
        expect(person.page.locator('[data-part="status"]')).to_have_text("online")
    motions: tuple[Any, ...] = ("reduce", "no-preference")
    for motion in motions:
        page.emulate_media(reduced_motion=motion)
        page.locator('[data-view="scroller"]').evaluate("(scroller) => { scroller.scrollTop = -600; }")
        expect(page.locator('[data-view="jump"]')).to_be_visible()
        at = page.evaluate(JUMP)
        assert at == 0 if motion == "reduce" else at < -300
    # New bubbles are not animated.
    alice.write("mine")
    alice.sees_state("mine", "read")
    assert [name for name in page.evaluate(ANIMATIONS) if "message__bubble" in name] == []
    page.wait_for_function("document.getAnimations().length === 0")

    bob.box.press_sequentially("typing")
    expect(page.locator('[data-part="typing"]')).to_be_visible()
    assert {name.split(" of ")[0] for name in page.evaluate(ANIMATIONS)} == {"breathe"}
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(ANIMATIONS) == []
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_be_visible()
    assert page.evaluate(ANIMATIONS) == []
    page.keyboard.press("Escape")
    for name, value in (("scrollBehavior", "auto"), ("transitionDuration", "0s")):
        assert page.evaluate(
            "([name, value]) => [...document.querySelectorAll('*')]"
            ".every((it) => getComputedStyle(it)[name] === value)",
            [name, value],
        ), name
    page.emulate_media(reduced_motion="no-preference")
    bob.box.fill("")
    expect(page.locator('[data-part="typing"]')).to_be_hidden()
    page.wait_for_function("document.getAnimations().length === 0")


# --- Right to left ---


# Set before anything is drawn, as the server does for a right-to-left language.
RIGHT_TO_LEFT = """new MutationObserver((_, observer) => {
    if (!document.documentElement) return;
    document.documentElement.dir = "rtl";
    observer.disconnect();
}).observe(document, { childList: true })"""


def edges(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    assert box
    return box["x"], box["x"] + box["width"]


def test_check_28_right_to_left_the_chat_is_mirrored_and_each_message_keeps_its_direction(
    visitor: VisitorMaker,
) -> None:
    """The language of names and messages is unknown; each takes the direction of its first letter."""
    alice, bob = visitor("alice", name="ليلى حسن"), visitor("bob", name="عبد الرحمن")
    room = start_chat(alice, bob)
    bob.send(room, f"(1) {ARABIC} ok?", "Hello there", ARABIC)
    # On a left-to-right page:
    alice.open(room)
    body = alice.message(ARABIC).locator('[data-part="body"]')
    assert body.evaluate("(it) => it.matches(':dir(rtl)')")
    alice.box.fill(ARABIC)
    assert alice.box.evaluate("(it) => it.matches(':dir(rtl)')")
    alice.box.fill("Hello")
    assert alice.box.evaluate("(it) => it.matches(':dir(ltr)')")
    assert alice.row(room).locator('[data-part="preview"]').evaluate("(it) => it.matches(':dir(rtl)')")
    assert alice.row(room).locator('[data-part="name"]').evaluate("(it) => it.matches('bdi')")
    expect(alice.page.locator("h1 bdi")).to_have_text("عبد الرحمن")
    alice.box.fill("")

    alice.page.add_init_script(RIGHT_TO_LEFT)
    alice.open(room)
    alice.until_idle()
    page = alice.page
    expect(page.locator('html[dir="rtl"]')).to_have_count(1)
    alice.write("Mine")
    alice.sees_state("Mine", "sent")
    alice.write("وهذه رسالتي")
    list_pane, chat = edges(page.locator(".list-pane")), edges(page.locator("main"))
    assert list_pane[0] >= chat[1] - 1, "the list is on the right"
    scroller = edges(page.locator('[data-view="timeline"]'))
    theirs, mine = (
        edges(alice.message("Hello there").locator("article")),
        edges(alice.message("Mine").locator("article")),
    )
    assert scroller[1] - theirs[1] < 2, "received messages are at the start side"
    assert mine[0] - scroller[0] < 2, "own messages are at the end side"
    alice.box.fill("...")
    assert edges(page.get_by_role("button", name="Send"))[1] <= edges(alice.box)[0] + 1
    for body, direction in ((ARABIC, "rtl"), ("Hello there", "ltr"), ("Mine", "ltr")):
        assert (
            alice.message(body)
            .locator('[data-part="body"]')
            .evaluate("(it) => it.matches(':dir(rtl)') ? 'rtl' : 'ltr'")
            == direction
        )
    # Arrows are mirrored, ticks are not.
    page.set_viewport_size({"width": 390, "height": 800})
    back = page.locator(".peer-header__back .icon")
    assert back.evaluate("(it) => getComputedStyle(it).transform") == "matrix(-1, 0, 0, 1, 0, 0)"
    assert edges(back)[0] > 300, "the back link is at the start side"
    ticks = alice.message("Mine").locator('[data-part="ticks"]')
    assert ticks.evaluate("(it) => getComputedStyle(it, '::before').transform") == "none"
    expect_no_overflow(page)
