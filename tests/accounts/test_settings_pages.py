"""Settings pages: profile, privacy, appearance, language and theme."""

from typing import Any, ClassVar

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Profile, User
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_redirects import FOREIGN

SECTIONS = [
    "/settings/",
    "/settings/profile/",
    "/settings/privacy/",
    "/settings/appearance/",
    "/settings/account/",
    "/settings/notifications/",
    "/settings/devices/",
]


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.mark.parametrize("url", SECTIONS)
def test_visitors_are_redirected_to_login(client: Client, db: None, url: str) -> None:
    for response in (client.get(url), client.post(url, {"name": "x"})):
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={url}")


@pytest.mark.parametrize("url", SECTIONS)
def test_every_section_has_a_page(browser: Client, url: str) -> None:
    response = browser.get(url)
    assert response.status_code == 200
    assert response.context["section"] == url.removeprefix("/settings").strip("/")
    assert "no-store" in response["Cache-Control"]


def test_alice_changes_her_name_and_about_text(browser: Client, alice: User) -> None:
    response = browser.post(
        "/settings/profile/",
        {"name": " Alice  the Great ", "about": "Writes\nletters", "public_id": "root", "is_staff": "on"},
    )
    assert (response.status_code, response["Location"]) == (303, "/settings/profile/")
    alice.refresh_from_db()
    assert (alice.name, alice.profile.about, alice.profile.search_key) == (
        "Alice the Great",
        "Writes letters",
        "alice the great alice",
    )
    assert (alice.username, alice.is_staff) == ("alice", False)
    page = browser.get("/settings/profile/").text
    # Beside the button: a notice above the form would push the form down.
    assert "Saved" in page[page.index("section__end") :]
    assert "flash" not in page


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Ana\u202e"}, "name"),
        ({"name": "A", "about": "x" * 141}, "about"),
        ({"name": "A", "about": "\u202e"}, "about"),
    ],
)
def test_invalid_input_stays_in_the_form(
    browser: Client, alice: User, data: dict[str, str], field: str
) -> None:
    response = browser.post("/settings/profile/", data)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert User.objects.get().name == "Alice Ávila"


SWITCHES = ("listed", "invites_show_name", "shares_receipts", "shares_typing")


def switches() -> dict[str, bool]:
    return {name: getattr(Profile.objects.get(), name) for name in SWITCHES}


def test_alice_leaves_the_directory(browser: Client, alice: User) -> None:
    initial = browser.get("/settings/privacy/").context["form"].initial
    assert initial == {**dict.fromkeys(SWITCHES, True), "presence": "chats", "start_by": "everybody"}
    browser.post("/settings/privacy/", {"invites_show_name": "on"})
    assert switches() == {**dict.fromkeys(SWITCHES, False), "invites_show_name": True}


@pytest.mark.parametrize("name", ["shares_receipts", "shares_typing"])
def test_each_privacy_setting_has_its_own_switch(browser: Client, alice: User, name: str) -> None:
    browser.post("/settings/privacy/", {other: "on" for other in SWITCHES if other != name})
    assert switches() == {**dict.fromkeys(SWITCHES, True), name: False}


def test_hiding_last_seen_deletes_the_stored_time(browser: Client, alice: User) -> None:
    Profile.objects.update(last_seen_at=timezone.now())
    browser.post("/settings/privacy/", {"presence": "nobody"})
    profile = Profile.objects.get()
    assert (profile.shares_presence, profile.last_seen_at) == (False, None)
    browser.post("/settings/privacy/", {"presence": "chats"})
    assert Profile.objects.get().shares_presence is True


@pytest.mark.parametrize(
    ("before", "chosen", "after"),
    [
        ("after_i_accept", "only_by_invite", "only_by_invite"),
        ("only_by_invite", "everybody", "after_i_accept"),
        ("everybody", "everybody", "everybody"),
        ("after_i_accept", "everybody", "after_i_accept"),
    ],
)
def test_alice_sets_who_may_start_a_chat(
    browser: Client, alice: User, before: str, chosen: str, after: str
) -> None:
    Profile.objects.update(start_by=before)
    browser.post("/settings/privacy/", {"start_by": chosen})
    assert Profile.objects.get().start_by == after


class TestOneControl:
    """The request of a script after one control was changed."""

    JSON: ClassVar = {"accept": "application/json"}

    def turn(self, browser: Client, section: str, **data: str) -> Any:
        return browser.post(f"/settings/{section}/", data, headers=self.JSON)

    def test_only_the_named_control_changes(self, browser: Client, alice: User) -> None:
        """The page may have been open for a day, while another device changed the rest."""
        Profile.objects.update(shares_typing=False, start_by="only_by_invite")
        answer = self.turn(browser, "privacy", only="shares_receipts")
        assert (answer.status_code, answer.content) == (204, b"")
        assert switches() == {
            **dict.fromkeys(SWITCHES, True),
            "shares_receipts": False,
            "shares_typing": False,
        }
        assert Profile.objects.get().start_by == "only_by_invite"
        self.turn(browser, "privacy", only="shares_receipts", shares_receipts="on")
        assert switches()["shares_receipts"] is True

    def test_other_posted_fields_are_ignored(self, browser: Client, alice: User) -> None:
        self.turn(
            browser, "privacy", only="shares_receipts", listed="", presence="nobody", shares_receipts="on"
        )
        assert Profile.objects.get().shares_presence is True

    def test_an_unknown_choice_is_rejected_with_an_error(self, browser: Client, alice: User) -> None:
        answer = self.turn(browser, "appearance", only="text_size", text_size="gigantic")
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["text_size"]
        assert Profile.objects.get().text_size == "normal"

    def test_an_unknown_control_saves_nothing(self, browser: Client, alice: User) -> None:
        self.turn(browser, "appearance", only="is_staff", is_staff="on")
        assert not User.objects.get().is_staff

    def test_the_cookies_of_this_browser_are_updated(self, browser: Client, alice: User) -> None:
        answer = self.turn(browser, "appearance", only="text_size", text_size="large")
        assert answer.cookies["looks"].value == "large.sends.auto"
        assert 'data-text="large" data-enter="sends" data-hours="auto"' in browser.get("/settings/").text

    def test_after_the_session_has_ended_the_client_is_redirected_to_login(
        self, client: Client, db: None
    ) -> None:
        assert client.post("/settings/privacy/", {"only": "listed"}, headers=self.JSON).status_code == 302


def test_a_device_shows_its_own_values_and_can_choose_those_of_another(browser: Client, alice: User) -> None:
    """Alice chose on her laptop after her phone had logged in; the phone still shows light and English."""
    Profile.objects.update(theme="dark", language="ru", text_size="largest", hours="24")
    form = browser.get("/settings/appearance/").context["form"]
    shown = {name: form[name].value() for name in form.fields}
    assert shown == {
        "theme": "auto",
        "text_size": "normal",
        "enter": "sends",
        "language": "en",
        "hours": "auto",
    }
    answer = browser.post(
        "/settings/appearance/", {"only": "theme", "theme": "dark"}, headers={"accept": "application/json"}
    )
    assert (answer.status_code, answer.cookies["theme"].value, sorted(answer.cookies)) == (
        204,
        "dark",
        ["theme"],
    )
    answer = browser.post(
        "/settings/appearance/", {"only": "hours", "hours": "12"}, headers={"accept": "application/json"}
    )
    assert answer.cookies["looks"].value == "normal.sends.12", "the text size of this device stays"
    page = browser.get("/settings/appearance/")
    assert [page.context["form"][name].value() for name in ("theme", "hours", "language")] == [
        "dark",
        "12",
        "en",
    ]
    assert (Profile.objects.get().theme, Profile.objects.get().hours, Profile.objects.get().language) == (
        "dark",
        "12",
        "ru",
    )


@pytest.mark.parametrize(
    ("theme", "says"),
    [
        ("", "Theme: match system"),
        ("light", "Theme: light"),
        ("dark", "Theme: dark"),
        ("pink", "Theme: match system"),
    ],
)
def test_the_theme_button_names_the_current_theme(browser: Client, theme: str, says: str) -> None:
    browser.cookies["theme"] = theme
    assert f'aria-label="{says}"' in browser.get("/chats/").text


def test_appearance_changes_here_at_once_and_elsewhere_at_the_next_login(
    browser: Client, alice: User
) -> None:
    chosen = {"theme": "dark", "language": "ru", "text_size": "largest", "enter": "line", "hours": "24"}
    response = browser.post("/settings/appearance/", chosen)
    assert response.status_code == 303
    cookies = {"theme": "dark", "django_language": "ru", "looks": "largest.line.24"}
    assert {name: response.cookies[name].value for name in cookies} == cookies
    elsewhere = Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert {name: elsewhere.cookies[name].value for name in cookies} == cookies


def test_an_unknown_language_is_rejected(browser: Client) -> None:
    response = browser.post("/settings/appearance/", {"theme": "dark", "language": "xx"})
    assert response.status_code == 422
    assert "theme" not in response.cookies


def test_saving_requires_a_csrf_token(alice: User) -> None:
    """Cross-site request forgery (docs/threats.md T8)."""
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)
    for url in (
        "/settings/profile/",
        "/settings/privacy/",
        "/settings/appearance/",
        "/theme/",
        "/language/ru/",
    ):
        assert careful.post(url, {"name": "Hacked", "theme": "dark", "language": "ru"}).status_code == 403
    assert User.objects.get().name == "Alice Ávila"
    assert Profile.objects.get().theme == "auto"


class TestLanguage:
    def test_a_visitor_gets_a_cookie_and_goes_back(self, client: Client, db: None) -> None:
        response = client.get("/language/pt-br/?next=/i/token/")
        assert (response.status_code, response["Location"]) == (303, "/i/token/")
        assert response.cookies["django_language"].value == "pt-br"
        assert client.get("/accounts/login/")["Content-Language"] == "pt-br"

    @pytest.mark.parametrize("site", ["same-origin", "cross-site", "same-site", "none", ""])
    def test_a_link_does_not_change_the_language_of_a_logged_in_user(
        self, browser: Client, site: str
    ) -> None:
        """GET never changes stored values (docs/threats.md T8); a message can contain such a link."""
        for ask in (browser.get, browser.head):
            answer = ask("/language/ru/?next=/chats/", headers={"sec-fetch-site": site} if site else {})
            assert (answer.status_code, answer["Location"]) == (303, "/settings/appearance/"), (
                "where it can be chosen"
            )
            assert "django_language" not in answer.cookies
        assert Profile.objects.get().language == ""

    def test_the_form_changes_it(self, browser: Client) -> None:
        assert browser.post("/language/ru/", {"next": "/chats/"})["Location"] == "/chats/"
        assert Profile.objects.get().language == "ru"

    @pytest.mark.parametrize("code", ["xx", "de", "RU", "pt", "ru-ru"])
    def test_an_unsupported_language_is_not_found(self, client: Client, db: None, code: str) -> None:
        assert client.get(f"/language/{code}/").status_code == 404

    @pytest.mark.parametrize("url", FOREIGN)
    def test_next_never_leads_away(self, client: Client, db: None, url: str) -> None:
        assert client.get("/language/ru/", {"next": url})["Location"] == "/"


class TestTheme:
    def test_a_visitor_gets_a_cookie(self, client: Client, db: None) -> None:
        response = client.post(
            "/theme/", {"theme": "dark", "next": "/accounts/login/"}, headers={"accept": "text/html"}
        )
        assert (response.status_code, response["Location"]) == (303, "/accounts/login/")
        assert response.cookies["theme"].value == "dark"

    def test_a_script_gets_204(self, client: Client, db: None) -> None:
        assert client.post("/theme/", {"theme": "light"}, headers={"accept": "*/*"}).status_code == 204

    def test_it_is_stored_for_the_other_devices(self, browser: Client) -> None:
        browser.post("/theme/", {"theme": "light"})
        assert Profile.objects.get().theme == "light"

    @pytest.mark.parametrize("theme", ["", "pink", "dark; HttpOnly", "<b>"])
    def test_an_unknown_theme_is_rejected(self, browser: Client, theme: str) -> None:
        assert browser.post("/theme/", {"theme": theme}).status_code == 400
        assert Profile.objects.get().theme == "auto"

    def test_it_requires_a_post(self, client: Client, db: None) -> None:
        assert client.get("/theme/").status_code == 405

    @pytest.mark.parametrize("url", FOREIGN)
    def test_next_never_leads_away(self, client: Client, db: None, url: str) -> None:
        response: Any = client.post(
            "/theme/", {"theme": "dark", "next": url}, headers={"accept": "text/html"}
        )
        assert response["Location"] == "/"
