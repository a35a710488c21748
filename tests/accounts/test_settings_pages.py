"""Pages on which people say what they show and how things look."""

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
    # Beside the button that did it: a box above the form would push all of it down.
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
def test_what_cannot_be_saved_stays_in_the_form(
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
def test_each_sign_has_a_switch_of_its_own(browser: Client, alice: User, name: str) -> None:
    browser.post("/settings/privacy/", {other: "on" for other in SWITCHES if other != name})
    assert switches() == {**dict.fromkeys(SWITCHES, True), name: False}


def test_who_hides_when_they_were_here_leaves_no_trace_of_before(browser: Client, alice: User) -> None:
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
def test_alice_says_who_may_start_a_chat(
    browser: Client, alice: User, before: str, chosen: str, after: str
) -> None:
    Profile.objects.update(start_by=before)
    browser.post("/settings/privacy/", {"start_by": chosen})
    assert Profile.objects.get().start_by == after


class TestOneControl:
    """What a script sends when one switch is turned."""

    JSON: ClassVar = {"accept": "application/json"}

    def turn(self, browser: Client, section: str, **data: str) -> Any:
        return browser.post(f"/settings/{section}/", data, headers=self.JSON)

    def test_it_alone_changes(self, browser: Client, alice: User) -> None:
        """The page may have stood open for a day: another device has changed the rest meanwhile."""
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

    def test_nothing_else_that_came_along_counts(self, browser: Client, alice: User) -> None:
        self.turn(
            browser, "privacy", only="shares_receipts", listed="", presence="nobody", shares_receipts="on"
        )
        assert Profile.objects.get().shares_presence is True

    def test_a_made_up_choice_is_refused_in_words(self, browser: Client, alice: User) -> None:
        answer = self.turn(browser, "appearance", only="text_size", text_size="gigantic")
        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["text_size"]
        assert Profile.objects.get().text_size == "normal"

    def test_a_made_up_control_saves_nothing_by_itself(self, browser: Client, alice: User) -> None:
        self.turn(browser, "appearance", only="is_staff", is_staff="on")
        assert not User.objects.get().is_staff

    def test_the_browser_follows_at_once(self, browser: Client, alice: User) -> None:
        answer = self.turn(browser, "appearance", only="text_size", text_size="large")
        assert answer.cookies["looks"].value == "large.sends.auto"
        assert 'data-text="large" data-enter="sends" data-hours="auto"' in browser.get("/settings/").text

    def test_whose_session_has_ended_is_sent_to_the_door(self, client: Client, db: None) -> None:
        assert client.post("/settings/privacy/", {"only": "listed"}, headers=self.JSON).status_code == 302


def test_a_device_shows_what_it_really_uses_and_can_choose_what_another_one_chose(
    browser: Client, alice: User
) -> None:
    """alice chose on her laptop, after her phone had logged in: there the page is light and English, and so say its controls."""
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
    assert answer.cookies["looks"].value == "normal.sends.12", "the size of the text stays what it is here"
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
def test_the_theme_button_says_what_the_theme_is(browser: Client, theme: str, says: str) -> None:
    browser.cookies["theme"] = theme
    assert f'aria-label="{says}"' in browser.get("/chats/").text


def test_looks_change_here_at_once_and_elsewhere_with_the_next_log_in(browser: Client, alice: User) -> None:
    chosen = {"theme": "dark", "language": "ru", "text_size": "largest", "enter": "line", "hours": "24"}
    response = browser.post("/settings/appearance/", chosen)
    assert response.status_code == 303
    cookies = {"theme": "dark", "django_language": "ru", "looks": "largest.line.24"}
    assert {name: response.cookies[name].value for name in cookies} == cookies
    elsewhere = Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert {name: elsewhere.cookies[name].value for name in cookies} == cookies


def test_a_made_up_language_is_refused(browser: Client) -> None:
    response = browser.post("/settings/appearance/", {"theme": "dark", "language": "xx"})
    assert response.status_code == 422
    assert "theme" not in response.cookies


def test_saving_needs_the_token_of_our_own_page(alice: User) -> None:
    """Cross-site request forgery (safety.md T8)."""
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
    def test_a_link_changes_nothing_for_somebody_signed_in_wherever_it_stands(
        self, browser: Client, site: str
    ) -> None:
        """GET never changes what is stored (safety.md T8). A link in a message stands on a page of ours, too."""
        for ask in (browser.get, browser.head):
            answer = ask("/language/ru/?next=/chats/", headers={"sec-fetch-site": site} if site else {})
            assert (answer.status_code, answer["Location"]) == (303, "/settings/appearance/"), (
                "where it can be chosen"
            )
            assert "django_language" not in answer.cookies
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
        response = client.post(
            "/theme/", {"theme": "dark", "next": "/accounts/login/"}, headers={"accept": "text/html"}
        )
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
        response: Any = client.post(
            "/theme/", {"theme": "dark", "next": url}, headers={"accept": "text/html"}
        )
        assert response["Location"] == "/"
