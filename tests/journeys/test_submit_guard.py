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


def test_a_submitted_form_shows_progress_and_cannot_be_submitted_twice(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    fill_log_in(alice)
    page = alice.page
    sent = UnansweredForm(page, "**/accounts/login/")
    button = page.get_by_role("button", name="Log in")
    width = button.evaluate("button => button.offsetWidth")
    button.click()
    busy = page.get_by_role("button", name="Logging in…")
    expect(busy).to_have_attribute("aria-disabled", "true")
    expect(busy).to_have_attribute("aria-busy", "true")
    assert busy.evaluate("button => button.offsetWidth") == width, "the width of the button changed"
    busy.click(force=True)
    page.locator("input[name=password]").press("Enter")
    alice.until_idle()
    assert sent.count == 1
    expect(busy).to_be_visible()


def test_a_page_restored_by_the_back_button_can_be_submitted_again(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    fill_log_in(alice)
    page = alice.page
    sent = UnansweredForm(page, "**/accounts/login/")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Logging in…")).to_be_visible()
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    button = page.get_by_role("button", name="Log in")
    expect(button).to_be_visible()
    assert button.get_attribute("aria-disabled") is None
    button.click()
    alice.until(lambda: sent.count == 2, "the form to be sent again")


def test_after_ten_seconds_a_notice_appears_and_the_button_is_enabled(visitor: VisitorMaker) -> None:
    alice = visitor("alice")
    alice.page.clock.install()
    fill_log_in(alice)
    page = alice.page
    UnansweredForm(page, "**/accounts/login/")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Logging in…")).to_be_visible()
    page.clock.fast_forward(10_000)
    expect(page.get_by_text("This is taking longer than usual.")).to_be_visible()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.locator("input[name=login]")).to_have_value(alice.username)


def test_the_value_of_the_clicked_button_is_submitted(visitor: VisitorMaker) -> None:
    """The browser collects the value of the button after the script has marked it as busy."""
    alice, bob = visitor("alice"), visitor("bob", signed_up=False)
    bob.page.goto(alice.create_invite()["url"])
    bob.until_loaded("accounts")
    bob.page.get_by_role("button", name="I already have an account").click()
    expect(bob.page.get_by_role("heading", name="Welcome back")).to_be_visible()
