"""The web app: manifest, service worker, offline page and shared links, none of which depends on the user."""

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from accounts.models import User
from conversations.models import Upload
from tests.rig.daphne_server import SharedStatics

ClientOf = Callable[[User | None], Client]
IMG = Path(__file__).resolve().parents[2] / "static" / "img"
TOKEN = "Abc-123_xyz-Abc-123_xyz"


@pytest.fixture
def _deployed(statics: SharedStatics) -> object:
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "dm_project.staticfiles.storage.HashedModulesStorage"},
    }
    with override_settings(STATIC_ROOT=statics.collect(), STORAGES=storages):
        yield


def worker_of(client: Client) -> tuple[str, dict[str, object]]:
    """Its text, and what it caches."""
    response = client.get("/sw.js")
    text = response.content.decode()
    found = re.search(r"serve\(self, (.*)\);", text)
    assert found
    return text, json.loads(found[1])


# --- Manifest ---


@pytest.mark.parametrize(("language", "people"), [("en", "People"), ("ru", "Люди"), ("pt-br", "Pessoas")])
def test_the_manifest_has_the_site_name_and_translated_texts(
    client: Client, language: str, people: str
) -> None:
    with override_settings(SITE_NAME="Garden gate"):
        response = client.get(f"/manifest/{language}.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    described = response.json()
    assert described["name"] == described["short_name"] == "Garden gate"
    assert described["lang"] == language
    assert described["shortcuts"][0]["name"] == people
    assert described["start_url"].startswith(described["scope"])
    assert described["id"] == "/", "a changed id would install a second app"


def test_the_manifest_is_the_same_for_all_users_and_cacheable(
    alice: User, client_of: ClientOf, client: Client
) -> None:
    """A proxy may cache it, so it must depend neither on the user nor on their languages."""
    mine = client_of(alice).get("/manifest/en.webmanifest", headers={"accept-language": "ru"})
    assert mine.content == client.get("/manifest/en.webmanifest").content
    assert "public" in mine["Cache-Control"]
    assert not [name for name in mine.cookies if "sessionid" in name]


def test_there_is_no_manifest_in_an_unknown_language(client: Client) -> None:
    assert client.get("/manifest/xx.webmanifest").status_code == 404


def test_every_icon_is_as_large_as_the_manifest_says(client: Client) -> None:
    icons = client.get("/manifest/en.webmanifest").json()["icons"]
    assert any(icon.get("purpose") == "maskable" for icon in icons)
    for icon in icons:
        png = (IMG / Path(icon["src"]).name).read_bytes()
        width, height = struct.unpack(">II", png[16:24])
        assert icon["sizes"] == f"{width}x{height}"


@pytest.mark.django_db
def test_pages_link_the_manifest_of_their_language(client: Client) -> None:
    html = client.get("/accounts/login/", headers={"accept-language": "ru"}).content.decode()
    assert '<link rel="manifest" href="/manifest/ru.webmanifest">' in html


# --- Worker ---


@pytest.mark.usefixtures("_deployed")
def test_the_worker_caches_only_the_offline_page_and_hashed_files(client: Client) -> None:
    response = client.get("/sw.js")
    assert response["Content-Type"].startswith("text/javascript")
    assert "no-cache" in response["Cache-Control"], "or a proxy would keep an old worker"
    _, cached = worker_of(client)
    assert cached["page"] == "/offline/"
    files = cached["files"]
    assert isinstance(files, list)
    assert len(files) >= 4
    for name in files:
        assert re.fullmatch(r"/static/[\w/-]+\.[0-9a-f]{12}\.\w+", name), name


@pytest.mark.usefixtures("_deployed")
def test_every_file_of_the_offline_page_is_cached(client: Client) -> None:
    _, cached = worker_of(client)
    html = client.get("/offline/").content.decode()
    wanted = set(re.findall(r'<(?:link rel="stylesheet"|script[^>]*?|use) (?:href|src)="([^"#]+)', html))
    assert wanted
    assert wanted <= set(cached["files"])  # type: ignore[call-overload]


@pytest.mark.usefixtures("_deployed")
def test_the_worker_depends_on_the_language_but_not_on_the_user(
    alice: User, bob: User, client_of: ClientOf
) -> None:
    """A changed text tells a browser that its cache is out of date; and the cache contains no user data."""
    of_alice, _ = worker_of(client_of(alice))
    of_bob, _ = worker_of(client_of(bob))
    assert of_alice == of_bob
    russian = client_of(alice)
    russian.cookies.load({"django_language": "ru"})
    assert worker_of(russian)[0] != of_alice


def test_without_hashed_names_the_worker_caches_nothing(client: Client) -> None:
    """In development a cached file would hide all its later changes."""
    _, cached = worker_of(client)
    assert cached["page"] is None
    assert cached["files"] == []


def test_the_offline_page_contains_no_user_data(alice: User, client_of: ClientOf, client: Client) -> None:
    html = client_of(alice).get("/offline/").content
    assert html == client.get("/offline/").content
    assert b"csrf" not in html
    assert b"alice" not in html.lower()


@pytest.mark.parametrize(
    ("language", "title"),
    [("en", "You are offline"), ("ru", "Нет соединения"), ("pt-br", "Você está sem conexão")],
)
def test_the_offline_page_is_in_the_language_of_the_browser(
    client: Client, language: str, title: str
) -> None:
    assert title in client.get("/offline/", headers={"accept-language": language}).content.decode()


def test_the_workers_policy_allows_requests_to_this_server_only(client: Client) -> None:
    policy = client.get("/sw.js")["Content-Security-Policy"]
    assert "worker-src 'self'" in policy
    assert "manifest-src 'self'" in policy
    assert "connect-src 'self'" in policy


@pytest.mark.usefixtures("_deployed")
def test_an_open_page_can_check_whether_it_is_out_of_date(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    release = client.get("/release").json()["release"]
    assert re.fullmatch(r"[0-9a-f]{12}", release)
    assert f'<meta name="release" content="{release}">' in client.get("/chats/").content.decode()


# --- Shared from another app ---


@pytest.mark.parametrize(
    "query",
    [
        {"url": f"http://testserver/i/{TOKEN}/"},
        {"text": f"Marta invites you: http://testserver/i/{TOKEN}/"},
        {"title": "Invitation", "text": f"http://testserver/i/{TOKEN}"},
    ],
)
def test_a_shared_invite_link_opens_here(client: Client, query: dict[str, str]) -> None:
    response = client.get("/share/", query)
    assert response.status_code == 303
    assert response["Location"] == f"/i/{TOKEN}/"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Dinner at eight?",
        f"https://evil.example/i/{TOKEN}/",
        f"//testserver/i/{TOKEN}/",
        "http://testserver/i/../admin/",
    ],
)
def test_any_other_shared_text_leads_to_the_chats_with_a_notice(
    alice: User, client_of: ClientOf, text: str
) -> None:
    """Never to a URL from the shared text."""
    response = client_of(alice).get("/share/", {"text": text}, follow=True)
    assert response.redirect_chain == [("/chats/", 303)]
    assert "Only invite links of this server and pictures can be opened here." in response.content.decode()


def test_shared_pictures_without_a_service_worker_are_not_read_and_change_nothing(alice: User) -> None:
    """The browser posts them for another app, without a CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    form = {"files": SimpleUploadedFile("a.jpg", b"bytes"), "url": f"http://testserver/i/{TOKEN}/"}
    response = client.post("/share/", form)
    assert (response.status_code, response["Location"]) == (303, "/chats/")
    assert response["Referrer-Policy"] == "no-referrer"
    assert not Upload.objects.exists()


def test_the_app_takes_pictures_of_other_apps_by_its_service_worker(client: Client) -> None:
    target = client.get("/manifest/en.webmanifest").json()["share_target"]
    assert (target["method"], target["enctype"]) == ("POST", "multipart/form-data")
    assert target["params"]["files"][0]["name"] == "files"
    assert "image/svg+xml" not in target["params"]["files"][0]["accept"]
    assert worker_of(client)[1]["share"] == target["action"]
