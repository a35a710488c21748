"""Submitting forms: progress, protection against a second submit, and release after a timeout."""

from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import Visitor
from tests.rig.people import PASSWORD


class UnansweredForm:
    """Counts the forms submitted to an address.

    The answer is 204, which leaves the browser on its page and the script waiting.
    """

    def __init__(self, page: Page, path: str) -> None:
        self.count = 0
        page.route(path, self._fulfill)

    def _fulfill(self, route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        self.count += 1
        return route.fulfill(status=204)


def fill_log_in(alice: Visitor) -> None:
    alice.context.clear_cookies()
    alice.page.goto("/accounts/login/")
    alice.page.fill("input[name=login]", alice.username)
    alice.page.fill("input[name=password]", PASSWORD)
    alice.until_loaded("accounts")


def test_a_submitted_form_shows_progress_and_can_be_submitted_again_after_back_or_ten_seconds(
    visitor: VisitorMaker,
) -> None:
    """But not twice before that; after ten seconds a notice appears, too."""
    alice = visitor("alice")
    alice.page.clock.install()
    fill_log_in(alice)
    page = alice.page
    sent = UnansweredForm(page, "**/accounts/login/")
    button, busy = (page.get_by_role("button", name=name) for name in ("Log in", "Logging in…"))
    width = button.evaluate("button => button.offsetWidth")
    button.click()
    expect(busy).to_have_attribute("aria-disabled", "true")
    expect(busy).to_have_attribute("aria-busy", "true")
    assert busy.evaluate("button => button.offsetWidth") == width, "the width of the button changed"
    busy.click(force=True)
    page.locator("input[name=password]").press("Enter")
    alice.until(lambda: sent.count > 0 and not alice.pending_requests, "the answer to the form")
    assert sent.count == 1
    expect(busy).to_be_visible()

    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(button).to_be_visible()
    assert button.get_attribute("aria-disabled") is None
    button.click()
    alice.until(lambda: sent.count == 2, "the form to be sent again")
    expect(busy).to_be_visible()

    page.clock.fast_forward(10_000)
    expect(page.get_by_text("This is taking longer than usual.")).to_be_visible()
    expect(button).to_be_visible()
    expect(page.locator("input[name=login]")).to_have_value(alice.username)
