"""Chat and people pages without JavaScript: each command as a form, each error with the text kept."""

import html
import json
import re
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from accounts.models import Profile, User
from accounts.pictures import sandbox
from conversations import throttling
from conversations.attachments import processing
from conversations.attachments.processing import FileRejected, Processed
from conversations.exceptions import (
    Busy,
    ConversationNotFound,
    FileTooLarge,
    InvalidFile,
    InvalidFileName,
    PersonNotFound,
    PictureNotShown,
    QuotaFull,
    Refusal,
    StorageFull,
    TooManyUploads,
    UnknownResult,
)
from conversations.models import Block, Conversation, HiddenMessage, Message, Participant, StoredFile, Upload
from conversations.views import file_forms, pages, refusals
from tests.conversations.files import body_of
from tests.factories import make_conversation, make_message, make_messages, make_user

pytestmark = pytest.mark.django_db
UNKNOWN = "dm-" + "a" * 32


@pytest.fixture
def browser(client_of: Callable[[User | None], Client], alice: User) -> Client:
    """Alice's browser."""
    return client_of(alice)


@pytest.fixture
def page(chat: Conversation) -> str:
    return f"/chats/{chat.room_name}/"


def text_of(answer: HttpResponse) -> str:
    return html.unescape(answer.content.decode())


def hidden_id(answer: HttpResponse) -> str:
    (found,) = re.findall(r'name="id" value="([^"]*)"', text_of(answer))
    return str(found)


def written(answer: HttpResponse) -> str:
    """The text of the message box."""
    (found,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", text_of(answer), re.DOTALL)
    return str(found)


def page_data(answer: HttpResponse) -> dict[str, Any]:
    (found,) = re.findall(r'id="page-data"[^>]*>(.*?)</script>', answer.content.decode(), re.DOTALL)
    return dict(json.loads(found))


# --- Access to pages ---


def test_a_visitor_sees_the_landing_and_alice_her_chats(client: Client, browser: Client) -> None:
    assert client.get("/").status_code == 200
    assert browser.get("/")["Location"] == "/chats/"


@pytest.mark.parametrize("path", ["/chats/", "/people/", "/chats/with/bob/", f"/chats/{UNKNOWN}/"])
def test_a_visitor_is_sent_to_the_log_in_and_back(client: Client, bob: User, path: str) -> None:
    for answer in (client.get(path), client.post(path, {"body": "x", "id": str(uuid4())})):
        assert answer.status_code == 302
        assert answer["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("path", ["/", "/chats/", "/people/"])
def test_read_only_pages_reject_post(browser: Client, path: str) -> None:
    assert browser.post(path).status_code == 405


# --- Header and title ---


def test_the_sign_in_a_chats_header_promises_no_encryption(browser: Client, page: str) -> None:
    """A lock there means "end-to-end encrypted" to users of other messengers; the page behind it says no."""
    link = re.search(r'<a [^>]*href="/who-can-read-this/[^>]*>.*?</a>', text_of(browser.get(page)), re.DOTALL)
    assert link is not None
    assert re.findall(r"#i-([\w-]+)", link.group()) == ["info"]


@pytest.mark.parametrize("unread", [0, 3])
def test_a_number_in_a_name_stays_in_the_title_and_is_not_counted_as_unread(
    browser: Client, page: str, alice: User, bob: User, unread: int
) -> None:
    User.objects.filter(pk=bob.pk).update(name="(12) Bob")
    mona = make_user("mona")
    make_messages(make_conversation(alice, mona), [mona], unread)
    text = text_of(browser.get(page))
    (title,) = re.findall(r"<title>(.*?)</title>", text, re.DOTALL)
    (badge,) = re.findall(r'data-part="total-unread"[^>]*>([^<]*)<', text)
    assert " ".join(title.split()) == "(12) Bob · Entre"
    assert badge == (str(unread) if unread else "")


# --- Sending with the form ---


def test_alice_sends_and_is_redirected_to_the_chat(browser: Client, page: str, alice: User) -> None:
    opened = browser.get(page)
    sent = browser.post(page, {"body": "Hello,\r\nBob  \r\n \r\n", "id": hidden_id(opened)})
    assert (sent.status_code, sent["Location"]) == (303, page)
    message = Message.objects.get()
    assert (message.body, message.sender_id, str(message.client_id)) == (
        "Hello,\nBob  ",
        alice.pk,
        hidden_id(opened),
    )
    assert "Hello," in text_of(browser.get(page))


def test_the_form_needs_its_csrf_token(client_of: Callable[..., Client], alice: User, page: str) -> None:
    """Another site's page can submit a form with her cookie, but not with the token."""
    browser = client_of(alice, enforce_csrf_checks=True)
    assert browser.post(page, {"body": "not by alice", "id": str(uuid4())}).status_code == 403
    assert not Message.objects.exists()


def test_a_double_submit_is_one_message(browser: Client, page: str) -> None:
    form = {"body": "once", "id": hidden_id(browser.get(page))}
    assert [browser.post(page, form).status_code for _ in range(2)] == [303, 303]
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "body", ["", "   ", "\r\n", "\u200b", "\u3164", "x" * 8_001, "a\0b", "a" + "\u0301" * 100]
)
def test_a_text_that_cannot_be_sent_comes_back_with_an_error(browser: Client, page: str, body: str) -> None:
    id = str(uuid4())
    answer = browser.post(page, {"body": body, "id": id})
    assert answer.status_code == 422
    assert written(answer).replace("\r\n", "\n") == body.replace("\r\n", "\n")
    assert 'role="alert"' in text_of(answer)
    assert hidden_id(answer) == id
    assert not Message.objects.exists()


@pytest.mark.parametrize("fields", [{}, {"id": ""}, {"id": "1"}])
def test_a_form_without_a_usable_id_comes_back_with_a_fresh_one(
    browser: Client, page: str, fields: dict[str, str]
) -> None:
    """With the old id, every submit would fail again."""
    answer = browser.post(page, {"body": "keep me", **fields})
    assert (answer.status_code, written(answer)) == (422, "keep me")
    again = browser.post(page, {"body": "keep me", "id": str(UUID(hidden_id(answer)))})
    assert again.status_code == 303


def test_another_text_with_a_used_id_is_409_and_gets_a_new_id(browser: Client, page: str) -> None:
    id = str(uuid4())
    browser.post(page, {"body": "one", "id": id})
    answer = browser.post(page, {"body": "two", "id": id})
    assert (answer.status_code, written(answer)) == (409, "two")
    assert hidden_id(answer) != id
    assert browser.post(page, {"body": "two", "id": hidden_id(answer)}).status_code == 303
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == ["one", "two"]


def test_everyone_who_cannot_be_written_to_gives_the_same_sentence(
    browser: Client, page: str, chat: Conversation
) -> None:
    Conversation.objects.update(high_blocks=True)
    answer = browser.post(page, {"body": "Is anybody there?", "id": str(uuid4())})
    assert answer.status_code == 422
    assert "You can’t write to this person now." in text_of(answer)
    # The chat was closed while she wrote: her text can be copied, but not sent.
    assert re.search(r"<textarea[^>]* readonly>\nIs anybody there\?</textarea>", text_of(answer))
    assert 'name="body"' not in text_of(answer)
    assert not Message.objects.exists()


def unavailable(*values: Any) -> Any:
    raise OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize(
    ("reason", "status", "sentence"),
    [
        (Busy(retry_after_ms=3_000), 503, "The server couldn’t save this right now."),
        (StorageFull(), 503, "There is no space left on the server"),
        (
            TimeoutError(),
            504,
            "We can’t tell whether your message was saved. Send it again: it won’t arrive twice.",
        ),
        (
            UnknownResult(),
            504,
            "We can’t tell whether your message was saved. Send it again: it won’t arrive twice.",
        ),
    ],
)
@pytest.mark.parametrize("shows", [True, False], ids=["the chat can be shown", "nothing can be asked"])
def test_an_unavailable_database_keeps_the_text_and_the_id(
    browser: Client, page: str, monkeypatch: Any, reason: Exception, status: int, sentence: str, shows: bool
) -> None:
    def fail(**values: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(reason)
        return future

    monkeypatch.setattr(pages, "message_send", fail)
    if not shows:
        monkeypatch.setattr(pages, "conversation_row", unavailable)
    id = str(uuid4())
    answer = browser.post(page, {"body": "important", "id": id})
    assert (answer.status_code, written(answer), hidden_id(answer)) == (status, "important", id)
    assert sentence in text_of(answer)
    assert int(answer["Retry-After"]) >= 1


def test_a_room_that_is_lost_while_sending_is_404(browser: Client, page: str, monkeypatch: Any) -> None:
    def fail(**values: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(ConversationNotFound())
        return future

    monkeypatch.setattr(pages, "message_send", fail)
    assert browser.post(page, {"body": "hello", "id": str(uuid4())}).status_code == 404


def test_writing_too_fast_keeps_the_text(browser: Client, page: str, settings: Any, monkeypatch: Any) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "sends_burst": 1, "sends_per_s": 1}
    monkeypatch.setattr(throttling, "monotonic", lambda now: 1_000.0)
    throttling.sends.clear()
    assert browser.post(page, {"body": "first", "id": str(uuid4())}).status_code == 303
    answer = browser.post(page, {"body": "second", "id": str(uuid4())})
    assert (answer.status_code, written(answer)) == (429, "second")
    assert int(answer["Retry-After"]) >= 1


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }} %s {0.__class__}",
        "</textarea><b>",
    ],
)
def test_text_is_escaped_on_every_page(browser: Client, page: str, body: str) -> None:
    browser.post(page, {"body": body, "id": str(uuid4())})
    for answer in (
        browser.get(page),
        browser.get("/chats/"),
        browser.post(page, {"body": body, "id": "bad"}),
    ):
        raw = answer.content.decode()
        assert body not in raw.replace("{{ 7*7 }} %s {0.__class__}", "")
        assert "49" not in re.findall(r"\{\{.*?\}\}", raw)
    assert page_data(browser.get(page))["messages"][0]["body"] == body


def test_a_long_text_is_whole_on_the_page_and_marked_to_be_folded(browser: Client, page: str) -> None:
    """Same rule as static/js/lib/body.js, so that the layout does not change when the script starts."""
    for body, is_long in (
        ("a\n" * 22 + "end", False),
        ("a\n" * 24 + "end", True),
        ("b" * 1_440, False),
        ("b" * 1_441, True),
    ):
        browser.post(page, {"body": body, "id": str(uuid4())})
        item = re.findall(
            r'<li class="message"\s+data-seq="\d+".*?</li>', browser.get(page).content.decode(), re.DOTALL
        )[-1]
        assert ('data-long="true"' in item, 'data-action="show-all"' in item, body[-50:] in item) == (
            is_long,
            is_long,
            True,
        )


def test_without_javascript_markup_and_links_are_drawn_and_rows_show_neither_sign(
    browser: Client, page: str
) -> None:
    browser.post(page, {"body": "*now* see https://a.example/", "id": str(uuid4())})
    shown = browser.get(page).content.decode()
    assert re.search(r'data-part="body"[^>]*><strong>now</strong> see <a href="https://a.example/"', shown)
    (row,) = re.findall(
        r'data-part="preview" dir="auto"\s*>\s*(.*?)</span>', browser.get("/chats/").content.decode()
    )[:1]
    assert row == "now see https://a.example/"


def test_a_chat_that_was_opened_without_a_message_is_not_listed(browser: Client, bob: User) -> None:
    room = browser.post("/chats/with/bob/")["Location"]
    name = room.strip("/").split("/")[-1]

    def rows(path: str) -> list[str]:
        return re.findall(r'<li data-room="(dm-\w+)"', text_of(browser.get(path)))

    assert rows(room) == [name], "while it is open"
    assert (rows("/chats/"), page_data(browser.get("/chats/"))["unwritten"]) == ([], [name])
    browser.post(room, {"body": "hello", "id": str(uuid4())})
    assert (rows("/chats/"), page_data(browser.get("/chats/"))["unwritten"]) == ([name], [])


def test_without_javascript_times_are_labelled_utc(browser: Client, page: str) -> None:
    browser.post(page, {"body": "hello", "id": str(uuid4())})
    hour = r'<time[^>]*>\s*\d\d:\d\d<span\s+class="without-script"> UTC</span>\s*</time>'
    for path in (page, "/chats/"):
        assert re.search(hour, browser.get(path).content.decode()), path


# --- Reading ---


def test_a_room_of_others_is_404(client_of: Any, mallory: User, page: str) -> None:
    browser = client_of(mallory)
    for method in (browser.get, browser.post):
        foreign = method(page, {"body": "x", "id": str(uuid4())})
        unknown = method(f"/chats/{UNKNOWN}/", {"body": "x", "id": str(uuid4())})
        assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_older_messages_are_linked(
    browser: Client, page: str, chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [alice, bob], 60)
    newest = browser.get(page)
    assert "message 60" in text_of(newest)
    assert "message 10<" not in text_of(newest)
    (before,) = re.findall(r'href="\?before=(\d+)"', text_of(newest))
    older = browser.get(f"{page}?before={before}")
    assert "message 10<" in text_of(older)
    assert "message 60" not in [message["body"] for message in page_data(older)["messages"]]
    assert not re.findall(r'href="\?before=(\d+)"', text_of(older)), "nothing is older than the first"


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "1.5", "%00", "²"])
def test_an_invalid_position_in_the_address_is_ignored(browser: Client, page: str, before: str) -> None:
    assert browser.get(f"{page}?before={before}").status_code == 200


def test_the_page_contains_the_data_that_the_script_continues_from(
    browser: Client, page: str, chat: Conversation, bob: User
) -> None:
    make_message(chat, bob, "hello")
    data = page_data(browser.get(page))
    assert (data["page"], data["room"], data["version"]) == ("conversation", chat.room_name, 1)
    assert [message["body"] for message in data["messages"]] == ["hello"]
    assert data["conversation"]["unread"] == 1
    assert data["user"]["username"] == "alice"


def test_loading_a_page_marks_nothing_as_read(
    browser: Client, page: str, chat: Conversation, alice: User, bob: User
) -> None:
    """A GET changes nothing: a prefetch must not show Bob that Alice has read."""
    make_message(chat, bob, "hello")
    before = list(Participant.objects.values())
    browser.get(page)
    browser.head(page)
    assert list(Participant.objects.values()) == before


# --- A person's link ---


def test_bobs_link_shows_bob_and_opens_the_chat(browser: Client, bob: User) -> None:
    shown = browser.get("/chats/with/bob/")
    assert shown.status_code == 200
    assert "Bob" in text_of(shown)
    assert not Conversation.objects.exists(), "looking opens nothing"
    opened = browser.post("/chats/with/bob/")
    room = Conversation.objects.get().room_name
    assert (opened.status_code, opened["Location"]) == (303, f"/chats/{room}/")
    for answer in (
        browser.get("/chats/with/bob/"),
        browser.get("/chats/with/BOB/"),
        browser.post("/chats/with/bob/"),
    ):
        assert answer["Location"] == f"/chats/{room}/"
    assert Conversation.objects.count() == 1


def test_both_links_lead_to_one_room(browser: Client, client_of: Any, bob: User) -> None:
    hers = browser.post("/chats/with/bob/")["Location"]
    his = client_of(bob).post("/chats/with/alice/")["Location"]
    assert hers == his


def test_people_alice_cannot_write_to_are_the_same_404_page(browser: Client, alice: User, bob: User) -> None:
    """Unknown, herself, closed, by invite only, blocked either way: one page for all (T14, T23)."""
    make_user("hermit", start_by=Profile.StartBy.ONLY_BY_INVITE)
    gone, blocked, blocking = make_user("gone"), make_user("blocked"), make_user("blocking")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    Block.objects.create(blocker=alice, blocked=blocked, created_at=bob.date_joined)
    Block.objects.create(blocker=blocking, blocked=alice, created_at=bob.date_joined)
    names = ("nobody", "alice", "hermit", "gone", "blocked", "blocking", "%00", "..", "x" * 300)
    for method in (browser.get, browser.post):
        answers = [method(f"/chats/with/{name}/") for name in names]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
    assert not Conversation.objects.exists()


def test_that_page_keeps_the_app_shell(browser: Client, chat: Conversation, bob: User) -> None:
    browser.post(f"/chats/{chat.room_name}/", {"body": "hello", "id": str(uuid4())})
    answer = browser.get("/chats/with/zz.top/")
    assert f"/chats/{chat.room_name}/" in answer.text, "the list of chats"
    assert "invite link only" in answer.text
    assert "zz.top" not in answer.text
    assert browser.head("/chats/with/nobody/").status_code == 404


def test_people_offer_only_those_who_can_be_written_to(
    browser: Client, alice: User, bob: User, client_of: Any
) -> None:
    met = make_user("met", start_by=Profile.StartBy.ONLY_BY_INVITE)
    make_user("hermit", start_by=Profile.StartBy.ONLY_BY_INVITE)
    make_conversation(alice, met)
    page = browser.get("/people/").text
    assert {name: f"/chats/with/{name}/" in page for name in ("bob", "met", "hermit")} == {
        "bob": True,
        "met": True,
        "hermit": False,
    }
    assert ("@hermit" in page, page.count("Only with their invite link")) == (True, 1)
    found = {card["username"]: card["can_start"] for card in browser.get("/api/v1/people").json()["items"]}
    assert found == {"bob": True, "met": True, "hermit": False}


def test_a_block_between_check_and_lock_is_the_same_page(
    browser: Client, bob: User, monkeypatch: Any
) -> None:
    def refuse(**values: Any) -> None:
        raise PersonNotFound

    monkeypatch.setattr(pages, "conversation_open", refuse)
    assert browser.post("/chats/with/bob/").content == browser.get("/chats/with/nobody/").content


def test_too_many_new_chats_in_a_day_are_rate_limited(
    browser: Client, bob: User, carol: User, settings: Any
) -> None:
    settings.LIMITS = True
    settings.LIMIT_NUMBERS = {**settings.LIMIT_NUMBERS, "new_conversations_a_day": 1}
    assert browser.post("/chats/with/bob/").status_code == 303
    refused = browser.post("/chats/with/carol/")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 3_600
    assert f"Wait {-(-int(refused['Retry-After']) // 3_600)} hours." in text_of(refused)
    assert browser.post("/chats/with/bob/").status_code == 303, "a chat she has is not a new one"


# --- People and the list ---


def test_people_are_found_by_name_and_linked(browser: Client, bob: User) -> None:
    make_user("hidden", "Hidden Person", listed=False)
    found = text_of(browser.get("/people/?q=bo"))
    assert "/chats/with/bob/" in found
    assert "/chats/with/hidden/" not in text_of(browser.get("/people/?q=hidden"))
    assert "/chats/with/alice/" not in text_of(browser.get("/people/")), (
        "a user starts no chat with themselves"
    )


def test_the_list_shows_who_wrote_last_and_what_is_unread(
    browser: Client, chat: Conversation, alice: User, bob: User, carol: User
) -> None:
    make_message(chat, bob, "are you there")
    other = make_conversation(alice, carol)
    make_message(other, carol, "the newest of all")
    shown = text_of(browser.get("/chats/"))
    assert shown.index(f'data-room="{other.room_name}"') < shown.index(f'data-room="{chat.room_name}"')
    assert "the newest of all" in shown
    assert "are you there" in shown
    assert [row["unread"] for row in page_data(browser.get("/chats/"))["conversations"]] == [1, 1]


def shown_seqs(page: Any) -> list[int]:
    return [message.seq for message in page.context["timeline"]["messages"]]


def test_a_link_to_a_message_opens_there_and_leads_back_to_the_newest(
    browser: Client, chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [alice, bob], 200)
    page = browser.get(f"/chats/{chat.room_name}/?m=60")
    assert shown_seqs(page) == list(range(35, 86))
    data = page.context["page_data"]
    assert data["opens_at"] == 60
    assert [message["seq"] for message in data["window"]] == list(range(35, 86))
    assert [message["seq"] for message in data["messages"]] == list(range(151, 201)), (
        "what is live begins at the newest page"
    )
    newest = page.context["timeline"]["newest"]
    assert shown_seqs(browser.get(f"/chats/{chat.room_name}/?m={newest}"))[-1] == 200


def test_reactions_are_on_the_page_with_the_names_of_who_reacted(
    browser: Client, chat: Conversation, alice: User, bob: User
) -> None:
    make_message(chat, bob, "shall we meet?")
    users = [alice.public_id, bob.public_id]
    Message.objects.update(reactions=[{"emoji": "👍", "users": users}, {"emoji": "🎉", "users": users[1:]}])
    page = " ".join(text_of(browser.get(f"/chats/{chat.room_name}/")).split())
    assert f'title="You, {bob.name}" data-mine="true">👍 2</span>' in page
    assert f'title="{bob.name}" >🎉</span>' in page
    Message.objects.update(reactions=[{"emoji": "👍"}])
    assert "shall we meet?" in text_of(browser.get(f"/chats/{chat.room_name}/")), (
        "a corrupt row stops nothing"
    )


def test_what_alice_typed_on_another_device_is_in_the_message_box_of_hers_alone(
    browser: Client, client_of: Any, chat: Conversation, alice: User, bob: User
) -> None:
    path = f"/chats/{chat.room_name}/"
    typed = "<Shall> I\nbring"
    Participant.objects.filter(conversation=chat, user=alice).update(draft=typed)
    assert written(browser.get(path)) == typed
    assert written(client_of(bob).get(path)) == ""
    refused = browser.post(path, {"body": "another" * 2_000, "id": str(uuid4())})
    assert written(refused) == "another" * 2_000, "what was just written goes before the draft"
    Conversation.objects.update(state=Conversation.State.CLOSED)
    closed = browser.get(path)
    assert written(closed) == typed
    assert "This was not sent. It is still here for you to copy." in text_of(closed)


@pytest.mark.parametrize("whose", ["both", "alice alone"])
def test_a_link_to_a_deleted_message_says_that_it_was_deleted(
    browser: Client, chat: Conversation, alice: User, bob: User, whose: str
) -> None:
    """A page with a script leaves no place for what alice deleted for herself; without one it is empty."""
    make_messages(chat, [alice, bob], 3)
    if whose == "both":
        Message.objects.filter(seq=2).update(deleted_at=timezone.now(), body="")
    else:
        HiddenMessage.objects.create(conversation=chat, seq=2, user=alice, mark=1)
    path = f"/chats/{chat.room_name}/?m="
    page = text_of(browser.get(f"{path}2"))
    assert "This message was deleted." in page
    assert ('class="message without-script"' in page) is (whose != "both")
    assert "This message was deleted." not in text_of(browser.get(f"{path}1"))


@pytest.mark.parametrize(
    "m", ["0", "-1", "201", "999999999999999999", "9999999999999999999999", "x", "", "1.5"]
)
def test_a_link_to_no_message_opens_at_the_end(
    browser: Client, chat: Conversation, alice: User, bob: User, m: str
) -> None:
    make_messages(chat, [bob, alice], 200)
    Participant.objects.filter(user=alice).update(read_seq=200, read_count=100)
    page = browser.get(f"/chats/{chat.room_name}/", {"m": m})
    assert shown_seqs(page) == list(range(151, 201))
    assert page.context["page_data"]["opens_at"] is None


def test_with_more_unread_than_a_page_holds_the_chat_opens_at_the_first_of_them(
    browser: Client, chat: Conversation, alice: User, bob: User
) -> None:
    make_messages(chat, [bob], 200)
    Participant.objects.filter(user=alice).update(read_seq=60, read_count=60)
    assert 61 in shown_seqs(browser.get(f"/chats/{chat.room_name}/"))
    # After an own message, without a script that marks as read, the newest page is wanted.
    make_message(chat, alice, "an answer")
    assert shown_seqs(browser.get(f"/chats/{chat.room_name}/"))[-1] == 201


def test_pages_cost_the_same_however_much_is_on_them(
    browser: Client, chat: Conversation, alice: User, bob: User, django_assert_max_num_queries: Any
) -> None:
    def count(path: str) -> int:
        with django_assert_max_num_queries(20) as queries:
            assert browser.get(path).status_code == 200
        return len(queries)

    paths = (f"/chats/{chat.room_name}/", "/chats/", "/people/")
    make_message(chat, bob)
    # Device activity is written once a minute.
    browser.get("/settings/profile/")
    few = [count(path) for path in paths]
    make_messages(chat, [alice, bob], 60)
    for _ in range(12):
        peer = make_user()
        make_message(make_conversation(alice, peer), peer)
    assert [count(path) for path in paths] == few


# --- Files ---


def chosen(*names: str) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, b"hello", content_type="text/plain") for name in names]


def test_a_form_sends_files_with_and_without_a_text(browser: Client, page: str, chat: Conversation) -> None:
    for body, names in (("look", ("a.txt", "b.txt")), ("", ("c.txt",))):
        answer = browser.post(page, {"body": body, "id": str(uuid4()), "file": chosen(*names)})
        assert (answer.status_code, answer["Location"]) == (303, page)
        message = Message.objects.latest("seq")
        assert message.body == body
        assert [each["name"] for each in message.attachments] == list(names)
    shown = text_of(browser.get(page))
    assert f'href="/files/{message.attachments[0]["id"]}/c.txt"' in shown
    assert "c.txt" in text_of(browser.get("/chats/"))


def test_submitting_a_form_with_files_twice_sends_it_once(browser: Client, page: str) -> None:
    form = {"body": "look", "id": str(uuid4())}
    for _ in range(2):
        assert browser.post(page, {**form, "file": chosen("a.txt", "b.txt")}).status_code == 303
    assert Message.objects.count() == 1
    assert StoredFile.objects.count() == 2
    assert not Upload.objects.exists()


def test_a_form_without_a_text_and_without_a_file_is_refused(browser: Client, page: str) -> None:
    assert browser.post(page, {"body": "", "id": str(uuid4()), "file": ""}).status_code == 422


def test_more_than_ten_files_are_refused_and_the_text_is_kept(browser: Client, page: str) -> None:
    names = [f"{number}.txt" for number in range(11)]
    answer = browser.post(page, {"body": "look", "id": str(uuid4()), "file": chosen(*names)})
    assert (answer.status_code, written(answer)) == (422, "look")
    assert "at most 10 files" in text_of(answer)
    assert not Upload.objects.exists()


def test_when_one_file_is_refused_none_stays_and_the_text_is_kept(
    browser: Client, page: str, settings: Any
) -> None:
    settings.ATTACHMENT_BYTES = 5
    files = [*chosen("a.txt"), SimpleUploadedFile("large.txt", b"x" * 6)]
    answer = browser.post(page, {"body": "look", "id": str(uuid4()), "file": files})
    assert (answer.status_code, written(answer)) == (422, "look")
    assert "too large" in text_of(answer)
    assert (Upload.objects.count(), Message.objects.count()) == (0, 0)


PNG = b"\x89PNG\r\n\x1a\nno picture"


@pytest.fixture
def rejecting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture can be read."""

    def process(path: Any, kind: str, **options: Any) -> Processed:
        if kind == "picture":
            raise FileRejected("damaged")
        return Processed(type="application/octet-stream", kind=kind)

    monkeypatch.setattr(processing, "process", process)


@pytest.mark.usefixtures("rejecting")
def test_a_picture_that_cannot_be_cleaned_is_sent_unchanged_only_if_that_is_wanted(
    browser: Client, page: str
) -> None:
    """docs/threats.md T41: it may tell where it was taken. Whatever the browser calls its type."""
    form = {"body": "look", "id": str(uuid4())}
    for type in ("image/png", "text/plain"):
        file = SimpleUploadedFile("cat.png", PNG, content_type=type)
        answer = browser.post(page, {**form, "file": file})
        assert (answer.status_code, written(answer)) == (422, "look")
        assert "as files" in text_of(answer)
        assert (Upload.objects.count(), Message.objects.count()) == (0, 0)
    file = SimpleUploadedFile("cat.png", PNG, content_type="image/png")
    assert browser.post(page, {**form, "file": file, "as_files": "on"}).status_code == 303
    assert Message.objects.get().attachments[0]["kind"] == "file"


@pytest.mark.parametrize(("name", "content"), [("b.txt", b"hello"), ("a.txt", b"other")])
def test_a_corrected_form_sends_the_file_that_was_chosen_last(
    browser: Client, page: str, chat: Conversation, name: str, content: bytes
) -> None:
    """Its hidden id is that of the refused one, whose upload is still there."""
    form = {"body": "look", "id": str(uuid4())}
    Conversation.objects.update(state=Conversation.State.CLOSED)
    first = SimpleUploadedFile("a.txt", b"hello")
    assert browser.post(page, {**form, "file": first}).status_code == 422
    assert Upload.objects.count() == 1
    Conversation.objects.update(state=Conversation.State.OPEN)
    file = SimpleUploadedFile(name, content)
    assert browser.post(page, {**form, "file": file}).status_code == 303
    sent = Message.objects.get().attachments[0]
    assert sent["name"] == name
    assert body_of(browser.get(f"/files/{sent['id']}/{name}")) == content


@pytest.mark.parametrize("language", ["en", "ru", "pt-br"])
@pytest.mark.parametrize(
    ("reason", "status"),
    [
        *((InvalidFile(reason), 422) for reason in (*sorted(sandbox.REASONS), "infected")),
        (FileTooLarge(), 422),
        (QuotaFull(), 503),
        (StorageFull(), 503),
        (Busy(), 503),
        (InvalidFileName(), 422),
        (TooManyUploads(retry_after_ms=60_000), 429),
        (UnknownResult(), 504),
    ],
)
def test_a_form_with_a_refused_file_says_why_in_the_language_of_its_user(
    browser: Client, page: str, monkeypatch: pytest.MonkeyPatch, reason: Refusal, status: int, language: str
) -> None:
    def upload_whole(**options: Any) -> None:
        raise reason

    monkeypatch.setattr(file_forms, "upload_whole", upload_whole)
    file = SimpleUploadedFile("cat.png", PNG)
    browser.cookies["django_language"] = language
    answer = browser.post(page, {"body": "look", "id": str(uuid4()), "file": file})
    assert (answer.status_code, written(answer)) == (status, "look")
    (said,) = re.findall(r'id="body-error"[^>]*>(.*?)</p>', text_of(answer), re.DOTALL)
    with override(language):
        shown = PictureNotShown(reason.reason) if isinstance(reason, InvalidFile) else reason
        if getattr(reason, "reason", "") == "infected":
            shown = reason
        assert refusals.sentence_with_files(shown) in said
    with override("en"):
        assert (refusals.sentence_for(shown) in said) is (language == "en")


def test_no_space_left_is_said_and_the_text_is_kept(browser: Client, page: str, settings: Any) -> None:
    settings.LIMITS = True
    settings.ATTACHMENT_BYTES_A_PERSON = 4
    answer = browser.post(page, {"body": "look", "id": str(uuid4()), "file": chosen("a.txt")})
    assert (answer.status_code, written(answer)) == (503, "look")
    assert "no space left" in text_of(answer)


def test_a_message_with_a_file_only_can_be_deleted_and_forwarded_without_a_script(
    browser: Client, page: str, chat: Conversation
) -> None:
    browser.post(page, {"body": "", "id": str(uuid4()), "file": chosen("a.txt")})
    menu = text_of(browser.get(f"{page}1/"))
    for action in ("delete", "forward", "reply"):
        assert f'value="{action}"' in menu
    assert 'value="edit"' not in menu
    assert browser.post(f"{page}1/", {"do": "delete"}).status_code == 303
    assert Message.objects.get().attachments is None
    assert "a.txt" not in text_of(browser.get(page))
