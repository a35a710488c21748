"""Pages on which people say what they show and how things look."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Profile, User
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_redirects import FOREIGN

SECTIONS = ["/settings/", "/settings/profile/", "/settings/privacy/", "/settings/appearance/", "/settings/account/"]


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.parametrize("url", SECTIONS)
def test_strangers_are_sent_to_the_door(client: Client, db: None, url: str) -> None:
    for response in (client.get(url), client.post(url, {"name": "x"})):
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")


@pytest.mark.parametrize("url", SECTIONS)
def test_every_section_has_a_page(browser: Client, url: str) -> None:
    response = browser.get(url)
    assert response.status_code == 200
    assert response.context["section"] == url.removeprefix("/settings").strip("/")
    assert "no-store" in response["Cache-Control"]


def test_alice_changes_her_name_and_line(browser: Client, alice: User) -> None:
    response = browser.post(
        "/settings/profile/", {"name": " Alice  the Great ", "about": "Writes\nletters", "username": "root", "is_staff": "on"}
    )
    assert (response.status_code, response["Location"]) == (303, "/settings/profile/")
    alice.refresh_from_db()
    assert (alice.name, alice.profile.about, alice.profile.search_key) == ("Alice the Great", "Writes letters", "alice the great alice")
    assert (alice.username, alice.is_staff) == ("alice", False)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Ana\u202e"}, "name"),
        ({"name": "A", "about": "x" * 141}, "about"),
        ({"name": "A", "about": "\u202e"}, "about"),
    ],
)
def test_what_cannot_be_saved_stays_in_the_form(browser: Client, alice: User, data: dict[str, str], field: str) -> None:
    response = browser.post("/settings/profile/", data)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert User.objects.get().name == "Alice Ávila"


def test_alice_leaves_the_directory(browser: Client, alice: User) -> None:
    initial = {"listed": True, "invites_show_name": True, "shares_receipts": True, "shares_typing": True, "shares_presence": True}
    assert browser.get("/settings/privacy/").context["form"].initial == {**initial, "only_by_invite": False}
    browser.post("/settings/privacy/", {"invites_show_name": "on"})
    assert {name: getattr(Profile.objects.get(), name) for name in initial} == {**dict.fromkeys(initial, False), "invites_show_name": True}


@pytest.mark.parametrize("name", ["shares_receipts", "shares_typing", "shares_presence"])
def test_each_sign_of_the_moment_has_a_switch_of_its_own(browser: Client, alice: User, name: str) -> None:
    signs = {"shares_receipts": "on", "shares_typing": "on", "shares_presence": "on"}
    del signs[name]
    browser.post("/settings/privacy/", signs)
    profile = Profile.objects.get()
    assert [sign for sign in ("shares_receipts", "shares_typing", "shares_presence") if not getattr(profile, sign)] == [name]


@pytest.mark.parametrize(
    ("before", "data", "after"),
    [
        ("after_i_accept", {"only_by_invite": "on"}, "only_by_invite"),
        ("only_by_invite", {}, "after_i_accept"),
        ("everybody", {}, "everybody"),
    ],
)
def test_alice_says_who_may_start_a_chat(browser: Client, alice: User, before: str, data: dict[str, str], after: str) -> None:
    Profile.objects.update(start_by=before)
    browser.post("/settings/privacy/", data)
    assert Profile.objects.get().start_by == after


def test_looks_change_here_at_once_and_elsewhere_with_the_next_log_in(browser: Client, alice: User) -> None:
    response = browser.post("/settings/appearance/", {"theme": "dark", "language": "ru"})
    assert response.status_code == 303
    assert (response.cookies["theme"].value, response.cookies["django_language"].value) == ("dark", "ru")
    elsewhere = Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert (elsewhere.cookies["theme"].value, elsewhere.cookies["django_language"].value) == ("dark", "ru")


def test_a_made_up_language_is_refused(browser: Client) -> None:
    response = browser.post("/settings/appearance/", {"theme": "dark", "language": "xx"})
    assert response.status_code == 422
    assert "theme" not in response.cookies


def test_saving_needs_the_token_of_our_own_page(alice: User) -> None:
    """Cross-site request forgery (safety.md T8)."""
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)
    for url in ("/settings/profile/", "/settings/privacy/", "/settings/appearance/", "/theme/", "/language/ru/"):
        assert careful.post(url, {"name": "Hacked", "theme": "dark", "language": "ru"}).status_code == 403
    assert User.objects.get().name == "Alice Ávila"
    assert Profile.objects.get().theme == "auto"


class TestLanguage:
    def test_a_visitor_gets_a_cookie_and_goes_back(self, client: Client, db: None) -> None:
        response = client.get("/language/pt-br/?next=/i/token/")
        assert (response.status_code, response["Location"]) == (303, "/i/token/")
        assert response.cookies["django_language"].value == "pt-br"
        assert client.get("/accounts/login/")["Content-Language"] == "pt-br"

    def test_the_link_on_our_page_changes_the_profile(self, browser: Client) -> None:
        browser.get("/language/ru/", headers={"sec-fetch-site": "same-origin"})
        assert Profile.objects.get().language == "ru"

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    def test_a_link_on_a_foreign_page_does_not(self, browser: Client, site: str) -> None:
        """GET never changes what is stored (safety.md T8)."""
        browser.get("/language/ru/", headers={"sec-fetch-site": site})
        browser.head("/language/ru/", headers={"sec-fetch-site": "same-origin"})
        assert Profile.objects.get().language == ""

    def test_the_form_does(self, browser: Client) -> None:
        assert browser.post("/language/ru/", {"next": "/chats/"})["Location"] == "/chats/"
        assert Profile.objects.get().language == "ru"

    @pytest.mark.parametrize("code", ["xx", "de", "RU", "pt", "ru-ru"])
    def test_a_language_we_do_not_speak_is_not_found(self, client: Client, db: None, code: str) -> None:
        assert client.get(f"/language/{code}/").status_code == 404

    @pytest.mark.parametrize("url", FOREIGN)
    def test_next_never_leads_away(self, client: Client, db: None, url: str) -> None:
        assert client.get("/language/ru/", {"next": url})["Location"] == "/"


class TestTheme:
    def test_a_visitor_gets_a_cookie(self, client: Client, db: None) -> None:
        response = client.post("/theme/", {"theme": "dark", "next": "/accounts/login/"}, headers={"accept": "text/html"})
        assert (response.status_code, response["Location"]) == (303, "/accounts/login/")
        assert response.cookies["theme"].value == "dark"

    def test_a_script_gets_no_page(self, client: Client, db: None) -> None:
        assert client.post("/theme/", {"theme": "light"}, headers={"accept": "*/*"}).status_code == 204

    def test_it_is_remembered_for_the_other_devices(self, browser: Client) -> None:
        browser.post("/theme/", {"theme": "light"})
        assert Profile.objects.get().theme == "light"

    @pytest.mark.parametrize("theme", ["", "pink", "dark; HttpOnly", "<b>"])
    def test_a_made_up_theme_is_refused(self, browser: Client, theme: str) -> None:
        assert browser.post("/theme/", {"theme": theme}).status_code == 400
        assert Profile.objects.get().theme == "auto"

    def test_it_is_no_link(self, client: Client, db: None) -> None:
        assert client.get("/theme/").status_code == 405

    @pytest.mark.parametrize("url", FOREIGN)
    def test_next_never_leads_away(self, client: Client, db: None, url: str) -> None:
        response: Any = client.post("/theme/", {"theme": "dark", "next": url}, headers={"accept": "text/html"})
        assert response["Location"] == "/"
