"""Every kind of page, light and dark, wide and narrow: nothing fails, nothing leaves the server, nothing sticks out, everybody can use it."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.examiner import violations
from tests.journeys.pages import KINDS, PageKind
from tests.journeys.stage import Stage
from tests.journeys.visitors import no_sideways_scroll

SIZES: list[Any] = [{"width": 1440, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 640}]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_page_is_sound_and_open_to_everybody(stage: Stage, kind: PageKind) -> None:
    """At every width and in both themes; axe-core judges by WCAG 2.0 to 2.2, A and AA."""
    guest = stage.open(kind, size=SIZES[0])
    page = guest.page
    expect(page.locator("h1:visible")).to_have_count(1)
    assert page.title().strip(" ·"), "the page has a title"
    assert page.locator("html").get_attribute("lang") == "en"
    for size in SIZES:
        page.set_viewport_size(size)
        no_sideways_scroll(page)
        expect(page.locator("h1:visible")).to_have_count(1)
        page.emulate_media(color_scheme="dark")
        assert violations(page, "color-contrast" if size is SIZES[1] else "") == []
        page.emulate_media(color_scheme="light")
        assert violations(page, "color-contrast") == []
    guest.until_idle()
    # The document itself may be a "not found"; what it needs must be there.
    complaints = [complaint for complaint in guest.complaints if f"status of {kind.status}" not in complaint]
    assert complaints == []
    assert guest.faults == []


def test_the_examiner_sees_what_is_wrong(stage: Stage) -> None:
    """Else the test above would be green for ever."""
    page = stage.open(KINDS[0]).page
    page.evaluate("document.querySelector('main').append(Object.assign(new Image(100, 100), { src: '/static/img/mark.svg' }))")
    page.evaluate("document.querySelector('main p').style.cssText = 'color: #999; background: #aaa'")
    found = violations(page)
    assert any(rule.startswith("image-alt") for rule in found)
    assert any(rule.startswith("color-contrast") for rule in found)
    page.evaluate("document.querySelector('h1').style.inlineSize = '2000px'")
    with pytest.raises(AssertionError, match="too wide"):
        no_sideways_scroll(page)
