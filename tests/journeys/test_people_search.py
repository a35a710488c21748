"""The directory of people: search while typing, and recovery from a failed request."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker

# Records the searches of the page and fails the first. Playwright cannot see requests that pass a service
# worker.
FAIL_FIRST_SEARCH = """() => {
    window.asked = [];
    const { fetch } = window;
    window.fetch = (...call) => {
        const words = new URL(call[0], location.href).searchParams.get("q");
        if (words === null) return fetch(...call);
        window.asked.push(words);
        return window.asked.length === 1 ? Promise.reject(new TypeError("no connection")) : fetch(...call);
    };
}"""


def test_alice_finds_people_while_she_types(visitor: VisitorMaker) -> None:
    alice, joao, carol = visitor("alice"), visitor("joao", name="João Pereira"), visitor("carol")
    page = alice.page
    page.goto(f"/people/?q={carol.username}")
    expect(page.get_by_role("button", name=f"Carol @{carol.username}")).to_be_visible()
    alice.until_idle()
    page.evaluate(FAIL_FIRST_SEARCH)
    field = page.get_by_role("searchbox")
    field.fill("")
    field.press_sequentially(joao.username)
    expect(page.get_by_role("button", name=f"Carol @{carol.username}")).to_have_count(0)
    expect(page.get_by_role("button", name=f"João Pereira @{joao.username}")).to_be_visible()
    expect(field).to_be_focused()
    assert page.evaluate("asked")[-1] == joao.username
    assert urlsplit(page.url).query == f"q={joao.username}"
