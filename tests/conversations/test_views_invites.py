"""Invite pages: every row of the table in docs/protocol.md 8, for browsers, link previews and attackers."""

import html
import io
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Profile, User
from conversations.models import Block, Conversation, Invite, PendingInvite
from conversations.selectors.invites import token_of
from conversations.services.invites import invite_claim, invite_create, invite_revoke
from tests.factories import make_user

ClientOf = Callable[..., Client]
ROBOTS = [
    "facebookexternalhit/1.1",
    "WhatsApp/2.23",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1)",
    "Mozilla/5.0 (Windows NT 10.0) SafeLinks",
]


@pytest.fixture
def invite(alice: User) -> Invite:
    return invite_create(inviter=alice, note="Bob, from the choir")


def address(invite: Invite) -> str:
    return f"/i/{token_of(invite.pk)}/"


def text_of(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def state_of(response: Any) -> str:
    return str(response.context["state"])


def untouched(invite: Invite) -> bool:
    stored = Invite.objects.get(pk=invite.pk)
    return stored.claimed_at is None and stored.revoked_at is None and not Conversation.objects.exists()


def end_by(how: str, invite: Invite, alice: User, bob: User) -> None:
    now = timezone.now()
    if how == "run out":
        Invite.objects.filter(pk=invite.pk).update(
            created_at=now - timedelta(days=8), expires_at=now - timedelta(days=1)
        )
    elif how == "revoked":
        invite_revoke(inviter=alice, invite_id=invite.pk)
    elif how == "inviter gone":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif how == "alice blocks bob":
        Block.objects.create(blocker=alice, blocked=bob, created_at=now)
    elif how == "bob blocks alice":
        Block.objects.create(blocker=bob, blocked=alice, created_at=now)


# --- A visitor, not logged in ---


def test_a_visitor_sees_who_invites_and_until_when(invite: Invite, client: Client) -> None:
    response = client.get(address(invite))
    assert (response.status_code, state_of(response)) == (200, "open_visitor")
    assert response.context["inviter"].name == "Alice"
    assert response.context["invite"].expires_at == invite.expires_at
    assert "Alice invites you to a private chat" in re.sub(r"<[^>]+>", "", text_of(response))


def test_an_inviter_who_hides_their_name_is_someone(alice: User, invite: Invite, client: Client) -> None:
    Profile.objects.filter(user=alice).update(invites_show_name=False)
    response = client.get(address(invite))
    assert response.context["inviter"] is None
    assert "Alice" not in text_of(response)


def test_the_private_note_is_shown_only_to_the_inviter(
    invite: Invite, client: Client, bob: User, client_of: ClientOf
) -> None:
    for visitor in (client, client_of(bob)):
        response = visitor.get(address(invite))
        assert "choir" not in text_of(response)
        assert (response.context["invite"].note, response.context["invite"].url) == ("", None)


def test_title_and_metadata_contain_no_name(
    invite: Invite, client: Client, bob: User, client_of: ClientOf
) -> None:
    for visitor in (client, client_of(bob)):
        head = text_of(visitor.get(address(invite))).partition("</head>")[0]
        assert "<title>" in head
        assert not re.search("alice|bob", head, re.IGNORECASE)


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("robot", ROBOTS)
def test_link_previews_do_not_use_the_invite(
    invite: Invite, bob: User, client_of: ClientOf, method: str, robot: str
) -> None:
    for visitor in (client_of(None), client_of(bob)):
        for _ in range(4):
            response = getattr(visitor, method)(address(invite), headers={"user-agent": robot})
            assert response.status_code == 200
    assert untouched(invite)
    assert not PendingInvite.objects.exists()
    assert Session.objects.count() == 1, "Bob's own; a robot leaves none behind"


def test_head_has_no_body_and_options_lists_the_methods(invite: Invite, client: Client) -> None:
    assert client.head(address(invite)).content == b""
    assert client.options(address(invite)).headers["Allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_405(invite: Invite, client: Client, method: str) -> None:
    assert getattr(client, method)(address(invite)).status_code == 405


@pytest.mark.parametrize(
    ("go", "page"), [("signup", "/accounts/signup/"), ("login", "/accounts/login/"), ("", "/accounts/login/")]
)
def test_a_visitor_continues_to_sign_in_without_the_token(
    invite: Invite, client: Client, go: str, page: str
) -> None:
    response = client.post(address(invite), {"go": go})
    assert (response.status_code, response["Location"]) == (303, page)
    assert untouched(invite)
    assert token_of(invite.pk) not in str(dict(client.session))


def test_accepting_needs_the_csrf_token(invite: Invite, bob: User, client_of: ClientOf) -> None:
    for visitor in (client_of(None, enforce_csrf_checks=True), client_of(bob, enforce_csrf_checks=True)):
        assert visitor.post(address(invite)).status_code == 403
    assert untouched(invite)


# --- Another user, logged in ---


def test_bob_confirms_before_he_accepts(invite: Invite, bob: User, client_of: ClientOf) -> None:
    response = client_of(bob).get(address(invite))
    assert (response.status_code, state_of(response)) == (200, "open_signed_in")
    assert response.context["inviter"].name == "Alice"
    assert "@bob" in text_of(response)
    assert "The link stays valid until <time" in text_of(response)


def test_bob_accepts_and_is_in_the_chat(invite: Invite, alice: User, bob: User, client_of: ClientOf) -> None:
    response = client_of(bob).post(address(invite))
    conversation = Conversation.objects.of_pair(alice.pk, bob.pk).get()
    assert (response.status_code, response["Location"]) == (303, f"/chats/{conversation.room_name}/")
    assert Invite.objects.get(pk=invite.pk).claimed_by == bob


def test_bob_uses_another_account_and_the_invite_comes_along(
    invite: Invite, bob: User, client_of: ClientOf
) -> None:
    browser = client_of(bob)
    response = browser.post(address(invite), {"go": "switch"})
    assert (response.status_code, response["Location"]) == (303, "/accounts/login/")
    assert "_auth_user_id" not in browser.session
    assert browser.get("/accounts/login/").context["invited"]().name == "Alice"
    assert untouched(invite)


# --- Its inviter ---


def test_its_inviter_sees_the_link_and_the_note(invite: Invite, alice: User, client_of: ClientOf) -> None:
    response = client_of(alice).get(address(invite))
    assert (response.status_code, state_of(response)) == (200, "own")
    assert response.context["invite"].note == "Bob, from the choir"
    assert response.context["invite"].url.endswith(address(invite))


def test_its_inviter_cannot_accept_it(invite: Invite, alice: User, client_of: ClientOf) -> None:
    response = client_of(alice).post(address(invite))
    assert (response.status_code, state_of(response), response.context["refused"]) == (200, "own", True)
    assert untouched(invite)


@pytest.mark.parametrize("how", ["run out", "revoked"])
def test_its_inviter_sees_that_it_ended(
    invite: Invite, alice: User, bob: User, client_of: ClientOf, how: str
) -> None:
    end_by(how, invite, alice, bob)
    response = client_of(alice).get(address(invite))
    assert (response.status_code, state_of(response)) == (200, "own")
    assert response.context["invite"].state in {"expired", "revoked"}


def test_its_inviter_sees_by_whom_it_was_used(
    invite: Invite, alice: User, bob: User, client_of: ClientOf
) -> None:
    invite_claim(user=bob, token=token_of(invite.pk))
    for response in (client_of(alice).get(address(invite)), client_of(alice).post(address(invite))):
        assert response.status_code == 200
        assert response.context["invite"].claimed_by == bob


# --- Used ---


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_person_who_accepted_it_is_redirected_to_the_chat(
    invite: Invite, bob: User, client_of: ClientOf, method: str
) -> None:
    claim = invite_claim(user=bob, token=token_of(invite.pk))
    response = getattr(client_of(bob), method)(address(invite))
    assert (response.status_code, response["Location"]) == (303, f"/chats/{claim.conversation.room_name}/")


@pytest.mark.parametrize(("language", "word"), [("en", "Accepted"), ("ru", "Принято"), ("pt-br", "Aceito")])
def test_the_inviter_and_others_read_the_same_word_for_an_accepted_invite(
    invite: Invite, alice: User, bob: User, client_of: ClientOf, settings: Any, language: str, word: str
) -> None:
    """Two words for one state look like two states."""
    settings.LANGUAGE_CODE = language
    invite_claim(user=bob, token=token_of(invite.pk))
    text = text_of(client_of(alice).get("/invites/"))
    assert [" ".join(chip.split()) for chip in re.findall(r'class="chip[^>]*>([^<]*)<', text)] == [word]
    assert re.search(rf"{word}\b[^<]*<bdi>Bob</bdi>", text)
    ended = text_of(client_of(None).get(address(invite)))
    assert re.search(rf"<h1>[^<]*{word[:-1]}[^<]*</h1>", ended, re.IGNORECASE)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("visitor", ["mallory", "nobody"])
def test_a_third_person_sees_a_used_link_without_names(
    invite: Invite, bob: User, mallory: User, client_of: ClientOf, method: str, visitor: str
) -> None:
    invite_claim(user=bob, token=token_of(invite.pk))
    response = getattr(client_of(mallory if visitor == "mallory" else None), method)(address(invite))
    assert (response.status_code, state_of(response)) == (410, "used")
    assert (response.context["inviter"], response.context["invite"]) == (None, None)
    assert not re.search("alice|bob", text_of(response), re.IGNORECASE)
    assert Conversation.objects.count() == 1


# --- The pair has a chat already ---


def test_a_pair_that_has_a_chat_is_offered_it_and_uses_no_invite(
    invite: Invite, bob: User, chat: Conversation, client_of: ClientOf
) -> None:
    browser = client_of(bob)
    page = browser.get(address(invite))
    assert (page.status_code, state_of(page)) == (200, "pair")
    response = browser.post(address(invite))
    assert (response.status_code, response["Location"]) == (303, f"/chats/{chat.room_name}/")
    assert Invite.objects.get(pk=invite.pk).claimed_at is None


# --- Ended ---


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "how", ["run out", "revoked", "inviter gone", "alice blocks bob", "bob blocks alice"]
)
def test_every_ended_invite_shows_the_same_page(
    invite: Invite, alice: User, bob: User, client_of: ClientOf, how: str, method: str
) -> None:
    end_by(how, invite, alice, bob)
    response = getattr(client_of(bob), method)(address(invite))
    assert (response.status_code, state_of(response)) == (410, "gone")
    assert "alice" not in text_of(response).lower()
    assert untouched(invite) or how == "revoked"


def test_pages_of_ended_invites_are_equal_byte_for_byte(alice: User, bob: User, client_of: ClientOf) -> None:
    browser, bodies = client_of(bob), set()
    for how in ("run out", "revoked", "alice blocks bob"):
        invite = invite_create(inviter=alice)
        end_by(how, invite, alice, bob)
        bodies.add(browser.get(address(invite)).content)
    assert len(bodies) == 1


@pytest.mark.parametrize("how", ["run out", "revoked", "inviter gone"])
def test_a_visitor_of_an_ended_invite_sees_the_same_page_and_no_sign_in(
    invite: Invite, alice: User, bob: User, client: Client, how: str
) -> None:
    end_by(how, invite, alice, bob)
    for response in (client.get(address(invite)), client.post(address(invite), {"go": "signup"})):
        assert (response.status_code, state_of(response)) == (410, "gone")


# --- Unknown ---


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_an_unknown_token_is_a_404(bob: User, client_of: ClientOf, method: str) -> None:
    for visitor in (client_of(None), client_of(bob)):
        assert getattr(visitor, method)("/i/aaaaaaaaaaaaaaaaaaaaaaaaaaa/").status_code == 404


def test_pages_of_unknown_tokens_are_equal_byte_for_byte(invite: Invite, client: Client) -> None:
    token = token_of(invite.pk)
    guesses = ["x", token[:-1], token + "A", token.swapcase(), "%00", "..%5c", "a" * 2000, "%F0%9F%98%80"]
    answers = {
        (response.status_code, response.content)
        for response in (client.get(f"/i/{guess}/") for guess in guesses)
    }
    assert len(answers) == 1


# --- Limits ---


def test_after_ten_unknown_tokens_a_minute_an_address_is_rate_limited(
    settings: Any, invite: Invite, bob: User, client_of: ClientOf
) -> None:
    settings.LIMITS = True
    visitor = client_of(None)
    assert [visitor.get(f"/i/{uuid4().hex}/").status_code for _ in range(12)] == [404] * 10 + [429] * 2
    blocked = client_of(bob).post(address(invite))
    assert (blocked.status_code, state_of(blocked)) == (429, "limited")
    wait_s = int(blocked["Retry-After"])
    assert 0 < wait_s <= 61
    expected = (
        "Wait 1 second."
        if wait_s == 1
        else f"Wait {wait_s} seconds."
        if wait_s < 60
        else f"Wait {-(-wait_s // 60)} minute"
    )
    assert expected in text_of(blocked), "the true time, not a round number"
    assert visitor.get(address(invite)).status_code == 429, "or guessing would go on behind it"
    assert untouched(invite), "and the link is not used up"
    assert client_of(bob).get(address(invite), REMOTE_ADDR="192.0.2.77").status_code == 200


def test_opening_a_valid_link_often_is_not_rate_limited(
    settings: Any, invite: Invite, client: Client
) -> None:
    settings.LIMITS = True
    assert {client.get(address(invite)).status_code for _ in range(30)} == {200}


def test_an_account_that_guesses_from_many_addresses_is_rate_limited(
    settings: Any, mallory: User, client_of: ClientOf
) -> None:
    settings.LIMITS = True
    browser = client_of(mallory)
    codes = [
        browser.post(f"/i/{uuid4().hex}/", REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number in range(32)
    ]
    assert codes == [404] * 30 + [429] * 2


# --- The token stays secret ---


@pytest.mark.parametrize("method", ["get", "head", "options", "post"])
@pytest.mark.parametrize("path", ["open", "unknown"])
def test_every_response_forbids_caching_referrers_and_indexing(
    invite: Invite, bob: User, client_of: ClientOf, method: str, path: str
) -> None:
    for visitor in (client_of(None), client_of(bob)):
        response = getattr(visitor, method)(address(invite) if path == "open" else "/i/unknown/")
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex"


def test_no_link_on_the_page_contains_the_token_or_leads_to_another_site(
    invite: Invite, bob: User, client_of: ClientOf
) -> None:
    for visitor in (client_of(None), client_of(bob)):
        body = text_of(visitor.get(address(invite)))
        addresses = re.findall(r"(?:href|src|action|content)=[\"']([^\"']*)", body)
        assert addresses
        assert not any(token_of(invite.pk) in found for found in addresses)
        assert not any(re.match(r"(?:https?:)?//", found) for found in addresses)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as an operator reads it: the configured handler, writing to memory."""
    written = io.StringIO()
    (handler,) = [one for one in logging.getLogger("django").handlers if one.filters]
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.mark.parametrize("ending", ["used", "unknown"])
def test_rejected_requests_leave_no_token_in_the_log(
    invite: Invite, bob: User, client_of: ClientOf, ending: str, log: io.StringIO
) -> None:
    token = "an-unknown-token"
    if ending == "used":
        token = token_of(invite.pk)
        invite_claim(user=bob, token=token)
    visitor = client_of(None, enforce_csrf_checks=True)
    visitor.get(f"/i/{token}/")
    visitor.post(f"/i/{token}/")
    assert log.getvalue().count("/i/…") == 2
    assert token not in log.getvalue()


def test_the_page_lets_browsers_send_the_origin_with_its_form(invite: Invite, client: Client) -> None:
    """With `no-referrer` a browser sends "Origin: null" with the form, which the CSRF check rejects."""
    assert '<meta name="referrer" content="strict-origin">' in text_of(client.get(address(invite)))


# --- The inviter's pages ---


def test_alice_makes_a_link_and_sees_it(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    response = browser.post("/invites/", {"note": "Caio", "lives": "1d"})
    made = Invite.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"/invites/?fresh={made.pk}")
    assert (made.note, made.expires_at - made.created_at) == ("Caio", timedelta(days=1))
    page = browser.get(response["Location"])
    assert page.context["fresh"].url == f"http://testserver{address(made)}"
    assert 'shape-rendering="crispEdges"' in page.text
    assert [view.id for view in page.context["waiting"]] == [made.pk]


def key_on(page: Any) -> str:
    (key,) = re.findall(r'name="key" value="([^"]+)"', text_of(page))
    return str(key)


def test_a_form_sent_twice_makes_one_link_and_leads_to_it_both_times(
    alice: User, client_of: ClientOf
) -> None:
    browser, other_tab = client_of(alice), client_of(alice)
    form = {"note": "Caio", "lives": "1d", "key": key_on(browser.get("/invites/"))}
    first, second = browser.post("/invites/", form), other_tab.post("/invites/", form)
    assert (first.status_code, first["Location"]) == (303, f"/invites/?fresh={Invite.objects.get().pk}")
    assert (second.status_code, second["Location"]) == (303, first["Location"])


def test_the_next_form_makes_another_link(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    for _ in range(2):
        browser.post("/invites/", {"note": "", "lives": "7d", "key": key_on(browser.get("/invites/"))})
    assert Invite.objects.count() == 2


def test_a_form_with_errors_keeps_its_key(alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    key = key_on(browser.get("/invites/"))
    assert key_on(browser.post("/invites/", {"note": "x" * 81, "lives": "7d", "key": key})) == key


@pytest.fixture(autouse=True)
def _known_host(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]


def test_creating_links_requires_a_log_in(client: Client, db: None) -> None:
    for response in (client.get("/invites/"), client.post("/invites/", {"lives": "7d"})):
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")
    assert not Invite.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"note": "x" * 81, "lives": "7d"}, "note"),
        ({"note": "", "lives": "1y"}, "lives"),
        ({"note": ""}, "lives"),
        ({"note": "\0", "lives": "7d"}, "note"),
    ],
)
def test_an_invalid_form_comes_back_with_an_error(
    alice: User, client_of: ClientOf, fields: dict[str, str], field: str
) -> None:
    response = client_of(alice).post("/invites/", fields)
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert not Invite.objects.exists()


def test_the_twenty_first_link_is_rejected_with_a_sentence(alice: User, client_of: ClientOf) -> None:
    for _ in range(20):
        invite_create(inviter=alice)
    browser = client_of(alice)
    assert browser.get("/invites/").context["limit_reached"]
    response = browser.post("/invites/", {"note": "", "lives": "7d"})
    assert (response.status_code, Invite.objects.count()) == (409, 20)


def test_a_link_that_alice_revokes_stops_working(
    invite: Invite, alice: User, bob: User, client_of: ClientOf
) -> None:
    response = client_of(alice).post(f"/invites/{invite.pk}/revoke/")
    assert (response.status_code, response["Location"]) == (303, "/invites/")
    assert client_of(bob).get(address(invite)).status_code == 410


def test_alice_changes_an_open_link(invite: Invite, alice: User, client_of: ClientOf) -> None:
    browser = client_of(alice)
    assert browser.post(f"/invites/{invite.pk}/change/", {"lives": "30d"}).status_code == 303
    changed = Invite.objects.get()
    assert changed.note == "Bob, from the choir"
    assert changed.expires_at > invite.expires_at
    browser.post(f"/invites/{invite.pk}/change/", {"note": "Zoya"})
    assert "Zoya" in text_of(browser.get("/invites/"))
    browser.post(f"/invites/{invite.pk}/change/", {"note": ""})
    assert Invite.objects.get().note == ""
    assert browser.post(f"/invites/{invite.pk}/change/", {"note": "x" * 81}).status_code == 422


def test_alice_undoes_an_invite_that_the_wrong_person_accepted(
    invite: Invite, alice: User, mallory: User, client_of: ClientOf
) -> None:
    invite_claim(user=mallory, token=token_of(invite.pk))
    browser = client_of(alice)
    assert f"/invites/{invite.pk}/undo/" in text_of(browser.get("/invites/"))
    response = browser.post(f"/invites/{invite.pk}/undo/")
    new = Invite.objects.exclude(pk=invite.pk).get()
    assert (response.status_code, response["Location"]) == (303, f"/invites/?fresh={new.pk}")
    assert Conversation.objects.get().state == "closed"
    assert client_of(mallory).get(address(new)).status_code == 410
    assert f"/invites/{invite.pk}/undo/" not in text_of(browser.get("/invites/"))


@pytest.mark.parametrize("act", ["revoke", "change", "undo"])
def test_mallory_cannot_touch_links_of_alice(
    invite: Invite, mallory: User, client_of: ClientOf, act: str
) -> None:
    browser = client_of(mallory)
    hers = browser.post(f"/invites/{invite.pk}/{act}/")
    nobodys = browser.post(f"/invites/{uuid4()}/{act}/")
    assert (hers.status_code, nobodys.status_code) == (404, 404)
    assert hers.content == nobodys.content
    assert untouched(invite)


@pytest.mark.parametrize("act", ["revoke", "change", "undo"])
def test_following_a_link_changes_no_invite(
    invite: Invite, alice: User, client_of: ClientOf, act: str
) -> None:
    assert client_of(alice).get(f"/invites/{invite.pk}/{act}/").status_code == 405


def test_a_late_change_is_reported_and_changes_nothing(
    invite: Invite, alice: User, bob: User, client_of: ClientOf
) -> None:
    invite_claim(user=bob, token=token_of(invite.pk))
    browser = client_of(alice)
    for act in ("revoke", "change"):
        assert browser.post(f"/invites/{invite.pk}/{act}/").status_code == 303
    assert Invite.objects.get().revoked_at is None


def test_mallorys_list_contains_no_links_of_alice(invite: Invite, mallory: User, client_of: ClientOf) -> None:
    page = client_of(mallory).get(f"/invites/?fresh={invite.pk}")
    assert (page.context["fresh"], page.context["waiting"], page.context["past"]) == (None, [], [])


def test_the_list_shows_who_accepted_and_which_links_are_open(alice: User, client_of: ClientOf) -> None:
    caio = make_user("caio", "Caio")
    used, waiting = invite_create(inviter=alice), invite_create(inviter=alice)
    invite_claim(user=caio, token=token_of(used.pk))
    page = client_of(alice).get("/invites/")
    assert [view.id for view in page.context["waiting"]] == [waiting.pk]
    assert [(view.id, view.claimed_by) for view in page.context["past"]] == [(used.pk, caio)]


def test_a_rejected_change_offers_no_second_link(invite: Invite, alice: User, client_of: ClientOf) -> None:
    """The page's own form creates new links and must not show the input of the link's form."""
    page = client_of(alice).post(f"/invites/{invite.pk}/change/", {"note": "x" * 81, "lives": ""})
    assert page.status_code == 422
    assert "Use at most 80 characters." in text_of(page)
    assert ("x" * 81 in text_of(page), page.context["form"].is_bound) == (False, False)
    assert untouched(invite)


# --- The dialog over a chat ---


def test_the_dialog_lists_open_links_and_creates_none(
    invite: Invite, alice: User, client_of: ClientOf
) -> None:
    response = client_of(alice).get("/invites/dialog/")
    assert response.status_code == 200
    assert "<html" not in text_of(response), "a piece of a page"
    assert f'data-invite="{invite.pk}"' in text_of(response)
    assert token_of(invite.pk) in text_of(response)
    assert "no-store" in response["Cache-Control"]
    assert Invite.objects.count() == 1


def test_the_dialog_shows_mallory_nothing_of_alice(
    invite: Invite, mallory: User, client_of: ClientOf, client: Client
) -> None:
    page = text_of(client_of(mallory).get("/invites/dialog/"))
    assert str(invite.pk) not in page
    assert invite.note not in page
    assert client.get("/invites/dialog/").status_code == 302


def test_a_note_is_text_in_every_sentence_of_the_dialog(alice: User, client_of: ClientOf) -> None:
    invite_create(inviter=alice, note='"><script>alert(1)</script>')
    page = client_of(alice).get("/invites/dialog/").content.decode()
    assert "<script" not in page
    assert 'data-ask="Revoke the link for &quot;&gt;' in page


def test_the_qr_code_of_a_link_is_for_its_inviter_only(
    invite: Invite, alice: User, mallory: User, client: Client, client_of: ClientOf
) -> None:
    path = f"/invites/{invite.pk}/qr.svg"
    picture = client_of(alice).get(path)
    assert picture["Content-Type"] == "image/svg+xml"
    assert picture.content.startswith(b'<svg xmlns="http://www.w3.org/2000/svg" ')
    assert "no-store" in picture["Cache-Control"]
    assert client_of(mallory).get(path).status_code == 404
    assert client.get(path).status_code == 302
    assert client_of(alice).post(path).status_code == 405


@pytest.mark.parametrize("how", ["run out", "revoked", "used"])
def test_an_ended_link_has_no_qr_code(
    invite: Invite, alice: User, bob: User, client_of: ClientOf, how: str
) -> None:
    if how == "used":
        invite_claim(user=bob, token=token_of(invite.pk))
    else:
        end_by(how, invite, alice, bob)
    assert client_of(alice).get(f"/invites/{invite.pk}/qr.svg").status_code == 404


# --- Acceptance check 4: each state has its text, one heading, a next step, and no forbidden name ---

STATES = {
    "used": ("This invite has already been accepted", False),
    "run out": ("This link has expired", False),
    "revoked": ("This link has expired", False),
    "blocked": ("This link has expired", False),
    "unknown": ("We can’t find this invite", False),
    "limited": ("Too many attempts", False),
    "own": ("This is your own invite", False),
    "pair": ("You and Alice already have a chat", True),
    "open": ("Alice invites you to a private chat", True),
}


def bring_about(state: str, invite: Invite, alice: User, bob: User, carol: User) -> None:
    if state == "used":
        invite_claim(user=carol, token=token_of(invite.pk))
    elif state == "blocked":
        Block.objects.create(blocker=alice, blocked=bob, created_at=timezone.now())
    elif state == "pair":
        invite_claim(user=bob, token=token_of(invite_create(inviter=alice).pk))
    elif state in {"run out", "revoked"}:
        end_by(state, invite, alice, bob)


@pytest.mark.parametrize("state", STATES)
def test_each_state_of_an_invite_has_its_text_one_heading_and_a_next_step(
    invite: Invite, alice: User, bob: User, carol: User, client_of: ClientOf, settings: Any, state: str
) -> None:
    User.objects.filter(pk=alice.pk).update(name="Alice")
    settings.LIMITS = state == "limited"
    bring_about(state, invite, alice, bob, carol)
    browser = client_of(alice if state == "own" else bob)
    path = f"/i/{uuid4().hex}/" if state == "unknown" else address(invite)
    if state == "limited":
        for _ in range(11):
            browser.get(f"/i/{uuid4().hex}/")
    page = text_of(browser.get(path))
    heading, may_name = STATES[state]
    (found,) = re.findall(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert " ".join(re.sub(r"<[^>]+>", "", found).split()) == heading
    assert ("Alice" in page) == may_name
    if not may_name and state != "own":
        assert not re.search(r"carol|Carol", page)
        (main,) = re.findall(r"<main.*?</main>", page, re.DOTALL)
        assert len(re.findall(r"<a |<button", main)) == 1, "one next step, and no other control"


def test_the_choices_of_twenty_links_are_rendered_once(alice: User, client_of: Any) -> None:
    for number in range(20):
        invite_create(inviter=alice, note=f"number {number}")
    page = client_of(alice).get("/invites/")
    assert page.content.decode().count('<option value="30d">') == 20
    assert [template.name for template in page.templates].count("conversations/_lifetime_options.html") == 1
