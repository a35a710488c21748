"""HTTP rate limits per user and per address, and that ordinary use never reaches them."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations import throttling
from dm_project.rate_limit import PAGE, weight_of
from tests.factories import make_conversation, make_message, make_user

BUCKETS = (throttling.frames, throttling.sends, throttling.visits)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Time stands still unless a test advances it."""
    now = [1_000.0]
    monkeypatch.setattr(throttling, "monotonic", lambda given: now[0] if given is None else given)
    for buckets in BUCKETS:
        buckets.clear()
    yield now
    for buckets in BUCKETS:
        buckets.clear()


@pytest.fixture(autouse=True)
def _limits_on(settings: Any, clock: list[float]) -> None:
    settings.LIMITS = True


def first_rejection(ask: Callable[[], Any], most: int = 400) -> tuple[int, Any]:
    """How many requests pass before the first 429, and that response."""
    for passed in count():
        assert passed < most, "no request was rejected"
        answer = ask()
        if answer.status_code == 429:
            return passed, answer
    raise AssertionError


@pytest.mark.parametrize(
    ("path", "at_once"),
    [
        ("/people/?q=a", 60),
        ("/chats/", 60),
        ("/invites/", 60),
        ("/settings/profile/", 60),
        ("/api/v1/people?q=a", 120),
        ("/api/v1/search?q=ab", 120),
        ("/api/v1/conversations", 120),
        ("/api/v1/me", 240),
    ],
)
def test_queries_share_the_bucket_of_the_user(
    client_of: Callable[..., Client], alice: User, path: str, at_once: int
) -> None:
    browser, weight = client_of(alice), 240 // at_once
    throttling.allow_frame(alice.pk, count=240 - 5 * weight)
    passed, answer = first_rejection(lambda: browser.get(path))
    assert passed == 5
    assert int(answer["Retry-After"]) >= 1
    if path.startswith("/api/"):
        assert (answer["Content-Type"], answer.json()["code"]) == ("application/problem+json", "rate_limited")
    else:
        assert "Too many attempts" in answer.text


def test_http_and_sockets_draw_from_one_bucket(client_of: Callable[..., Client], alice: User) -> None:
    for _ in range(239):
        throttling.allow_frame(alice.pk)
    browser = client_of(alice)
    assert [browser.get("/api/v1/me").status_code for _ in range(2)] == [200, 429]


def test_a_client_that_waits_as_told_gets_an_answer(
    client_of: Callable[..., Client], alice: User, clock: list[float]
) -> None:
    browser = client_of(alice)
    throttling.allow_frame(alice.pk, count=240)
    refused = browser.get("/chats/")
    assert refused.status_code == 429
    clock[0] += int(refused["Retry-After"])
    assert browser.get("/chats/").status_code == 200


def test_requests_of_alice_do_not_slow_bob_at_the_same_address(
    client_of: Callable[..., Client], alice: User, bob: User
) -> None:
    throttling.allow_frame(alice.pk, count=240)
    assert client_of(alice).get("/chats/").status_code == 429
    assert client_of(bob).get("/chats/").status_code == 200


@pytest.mark.django_db
def test_anonymous_clients_are_counted_by_address() -> None:
    throttling.allow_visit("192.0.2.1", count=295 * PAGE)
    passed, answer = first_rejection(lambda: Client(REMOTE_ADDR="192.0.2.1").get("/accounts/login/"))
    assert (passed, answer["Cache-Control"]) == (5, "private, no-store")
    with CaptureQueriesContext(connection) as asked:
        assert Client(REMOTE_ADDR="192.0.2.1").get("/accounts/login/").status_code == 429
    assert not asked.captured_queries
    assert Client(REMOTE_ADDR="192.0.2.2").get("/accounts/login/").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.1").get("/healthz").status_code == 200


def test_usernames_cannot_be_enumerated(client_of: Callable[..., Client], alice: User, bob: User) -> None:
    browser, names = client_of(alice), count()

    def ask_page() -> Any:
        return browser.get(f"/chats/with/nobody{next(names)}/")

    def ask_api() -> Any:
        return browser.post(
            "/api/v1/conversations", {"user": f"nobody{next(names)}"}, content_type="application/json"
        )

    for ask in (ask_page, ask_api) * 15:
        assert ask().status_code == 404
    for ask in (ask_page, ask_api):
        refused = ask()
        assert (refused.status_code, int(refused["Retry-After"]) > 1) == (429, True)


def test_existing_usernames_cost_nothing(client_of: Callable[..., Client], alice: User, bob: User) -> None:
    for _ in range(40):
        throttling.frames.clear()
        assert client_of(alice).get("/chats/with/bob/").status_code == 200


def test_a_sync_costs_as_much_as_its_chats(client_of: Callable[..., Client], alice: User) -> None:
    browser = client_of(alice)
    rooms = {f"dm-{number}": 0 for number in range(100)}
    passed, _ = first_rejection(
        lambda: browser.post("/api/v1/sync", {"rooms": rooms}, content_type="application/json")
    )
    assert passed == 11


@pytest.mark.parametrize("mine", [0, 1, 40])
def test_a_sync_of_many_chats_takes_few_statements(
    client_of: Callable[..., Client], alice: User, mine: int
) -> None:
    names = [make_conversation(alice, make_user(f"peer{number}")).room_name for number in range(mine)]
    rooms = dict.fromkeys([*names, *(f"dm-{number}" for number in range(100 - mine))], 0)
    browser = client_of(alice)
    browser.get("/api/v1/me")
    with CaptureQueriesContext(connection) as asked:
        answer = browser.post("/api/v1/sync", {"rooms": rooms}, content_type="application/json")
    assert [page["room"] for page in answer.json()["pages"]] == names
    assert len(asked.captured_queries) <= 8


def test_a_rejected_form_keeps_its_text(
    client_of: Callable[..., Client], alice: User, bob: User, settings: Any
) -> None:
    """Page loads never block a message; the message's own limit is reported on the page of the chat."""
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 1}
    page, browser = f"/chats/{make_conversation(alice, bob).room_name}/", client_of(alice)
    answers = [browser.post(page, {"body": "keep me", "id": str(uuid4())}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 429]
    assert "keep me" in answers[1].text


# --- Ordinary use ---


def weigh(user: int, *asked: tuple[str, str]) -> None:
    for method, path in asked:
        throttling.allow_visit("192.0.2.1", count=weight_of(method, path))
        throttling.allow_frame(user, count=weight_of(method, path))


PICTURES = [("GET", f"/media/pictures/{number}.webp") for number in range(120)]
START = [
    ("GET", "/chats/"),
    ("GET", "/sw.js"),
    ("GET", "/manifest/en.webmanifest"),
    ("GET", "/api/v1/me"),
    ("POST", "/api/v1/sync"),
    *PICTURES,
]


@pytest.mark.parametrize("form", [{"body": ""}, {"do": "edit", "body": ""}])
def test_a_refused_form_costs_as_much_as_the_page_that_answers_it(
    client_of: Callable[..., Client], alice: User, bob: User, form: dict[str, str]
) -> None:
    """An empty text drew four times as many pages a second as may be loaded (docs/threats.md T35)."""
    chat = make_conversation(alice, bob)
    make_message(chat, alice)
    browser = client_of(alice)
    path = f"/chats/{chat.room_name}/" + ("1/" if "do" in form else "")
    throttling.allow_frame(alice.pk, count=240 - 5 * PAGE)
    passed, answer = first_rejection(lambda: browser.post(path, form))
    assert passed == 5
    assert "Too many attempts" in answer.text
    assert browser.post(path, form).status_code == 429


def test_a_page_with_all_its_files_may_be_reloaded_again_and_again(clock: list[float]) -> None:
    for _ in range(30):
        weigh(1, *START)
        clock[0] += 1


def test_chats_may_be_switched_as_fast_as_keys_repeat(clock: list[float]) -> None:
    """A page of messages and three socket commands each, ten a second for a minute; then a burst of fifty at
    once.
    """
    for _ in range(600):
        weigh(1, ("GET", "/api/v1/conversations/dm-a/messages"))
        for _ in range(3):
            throttling.allow_frame(1, address="192.0.2.1")
        clock[0] += 0.1
    for _ in range(50):
        weigh(1, ("GET", "/api/v1/conversations/dm-a/messages"))


def test_long_histories_may_be_scrolled_as_fast_as_they_load(clock: list[float]) -> None:
    for _ in range(1_000):
        weigh(1, ("GET", "/api/v1/conversations/dm-a/messages"))
        clock[0] += 0.03


def test_people_may_be_searched_letter_by_letter(clock: list[float]) -> None:
    for _ in range(200):
        weigh(1, ("GET", "/api/v1/people"), ("GET", "/media/pictures/a.webp"))
        clock[0] += 0.1


def test_an_office_behind_one_address_comes_back_after_a_restart(clock: list[float]) -> None:
    """Eighty users whose pages reload within five seconds, and who then talk."""
    for person in range(80):
        weigh(person, ("GET", "/chats/"), ("GET", "/api/v1/me"), *[("POST", "/api/v1/sync")] * 3)
        clock[0] += 5 / 80
    for _ in range(60):
        for person in range(80):
            throttling.allow_frame(person, address="192.0.2.1")
        clock[0] += 1


def test_every_kind_of_path_has_a_weight() -> None:
    weights = [
        weight_of("GET", path)
        for path in ("/chats/", "/api/v1/me", "/media/pictures/a.webp", "/healthz", "/i/token/", "/nowhere")
    ]
    assert weights == [PAGE, 1, 0.25, 0, 1, PAGE]
    assert weight_of("POST", "/chats/dm-abc/") == 1
    assert weight_of("POST", "/chats/with/bob/") == PAGE
