"""Files of messages in the journal: taken once however many ask at once, and never beneath a removal."""

import io
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from accounts.models import User
from conversations.exceptions import AttachmentNotFound, MessageNotFound
from conversations.jobs.file_removal import files_remove_later
from conversations.journal import Accepted, DeleteCommand, SendCommand, batch
from conversations.models import Attachment, Conversation, Message, StoredFile, Upload
from conversations.services.attachments import Announced, upload_append, upload_begin, upload_cancel
from conversations.services.file_removal import file_remove
from tests.conversations.files import files_in, use_folder
from tests.conversations.races import at_once
from tests.factories import make_conversation
from tests.jobs.workers import run_due_jobs, until

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    return use_folder(settings, tmp_path / "attachments")


def uploaded(user: User, data: bytes = b"hello") -> UUID:
    id = uuid4()
    upload_begin(user=user, id=id, announced=Announced("notes.txt", len(data), "file"))
    upload_append(user=user, id=id, offset=0, read=io.BytesIO(data).read)
    return id


def send(user: User, chat: Conversation, *files: UUID, **values: Any) -> SendCommand:
    return SendCommand(
        room=chat.room_name,
        user_id=user.pk,
        sender=user.public_id,
        id=uuid4(),
        body="",
        attachments=files,
        **values,
    )


def delete(user: User, chat: Conversation, seq: int) -> DeleteCommand:
    return DeleteCommand(
        room=chat.room_name,
        user_id=user.pk,
        sender=user.public_id,
        seq=seq,
        remove_files=files_remove_later,
    )


@pytest.mark.django_db
def test_of_two_messages_in_one_batch_the_first_takes_the_upload(
    alice: User, chat: Conversation, carol: User
) -> None:
    """docs/threats.md T44, in whichever chat the second one is."""
    other = make_conversation(alice, carol)
    file = uploaded(alice)
    outcomes, _ = batch.write([send(alice, chat, file), send(alice, other, file), send(alice, chat, file)])
    first, *others = [outcome.result for outcome in outcomes]
    assert isinstance(first, Accepted)
    assert all(isinstance(result, AttachmentNotFound) for result in others)
    assert (Message.objects.count(), Attachment.objects.count(), Upload.objects.count()) == (1, 1, 0)


@pytest.mark.django_db
def test_a_refused_message_leaves_the_upload_to_its_neighbours(
    alice: User, bob: User, chat: Conversation
) -> None:
    mine, theirs = uploaded(alice), uploaded(bob)
    outcomes, _ = batch.write(
        [send(alice, chat, mine, theirs), send(bob, chat, theirs), send(alice, chat, mine)]
    )
    results = [type(outcome.result) for outcome in outcomes]
    assert results == [AttachmentNotFound, Accepted, Accepted]


@pytest.mark.django_db
def test_one_batch_may_send_a_file_and_delete_it(alice: User, chat: Conversation, folder: Path) -> None:
    file = uploaded(alice)
    outcomes, _ = batch.write([send(alice, chat, file), delete(alice, chat, 1)])
    assert not [outcome for outcome in outcomes if isinstance(outcome.result, Exception)]
    assert (Attachment.objects.count(), Upload.objects.count()) == (0, 0)
    run_due_jobs()
    assert (StoredFile.objects.count(), files_in(folder)) == (0, [])


@pytest.mark.django_db
def test_one_batch_may_delete_a_file_and_forward_what_is_gone(
    alice: User, chat: Conversation, carol: User, folder: Path
) -> None:
    other = make_conversation(alice, carol)
    batch.write([send(alice, chat, uploaded(alice))])
    forward = send(alice, other, forward=(chat.room_name, 1))
    outcomes, _ = batch.write([delete(alice, chat, 1), forward])
    assert isinstance(outcomes[1].result, MessageNotFound)
    outcomes, _ = batch.write([send(alice, chat, uploaded(alice))])
    outcomes, _ = batch.write([send(alice, other, forward=(chat.room_name, 3)), delete(alice, chat, 3)])
    assert isinstance(outcomes[0].result, Accepted)
    run_due_jobs()
    assert (StoredFile.objects.count(), len(files_in(folder))) == (1, 1)


@pytest.mark.django_db
def test_deletions_of_one_batch_add_a_job_for_each_file(
    alice: User, chat: Conversation, folder: Path
) -> None:
    for _ in range(3):
        batch.write([send(alice, chat, uploaded(alice), uploaded(alice))])
    batch.write([delete(alice, chat, seq) for seq in (1, 2, 3)])
    assert run_due_jobs() == 6
    assert files_in(folder) == []


@pytest.mark.django_db
def test_a_batch_that_is_rolled_back_takes_its_job_back(
    alice: User, chat: Conversation, folder: Path
) -> None:
    batch.write([send(alice, chat, uploaded(alice))])

    class Broken(Exception):
        pass

    def break_off() -> None:
        with transaction.atomic():
            batch.write([delete(alice, chat, 1)])
            raise Broken

    with pytest.raises(Broken):
        break_off()
    assert run_due_jobs() == 0
    assert (Attachment.objects.count(), len(files_in(folder))) == (1, 1)


# --- At once ---


def in_order(turns: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all turns in parallel. Returns their results, in the order of the turns."""
    results, errors = at_once([lambda turn=turn, n=n: (n, turn()) for n, turn in enumerate(turns)])
    assert errors == []
    return [result for _, result in sorted(results, key=lambda pair: pair[0])]


@pytest.mark.django_db(transaction=True)
def test_eight_messages_at_once_and_one_has_the_file(alice: User, chat: Conversation, carol: User) -> None:
    other = make_conversation(alice, carol)
    file = uploaded(alice)

    def attempt(number: int) -> str:
        outcomes, _ = batch.write([send(alice, (chat, other)[number % 2], file)])
        return type(outcomes[0].result).__name__

    results = in_order([partial(attempt, number) for number in range(8)])
    assert sorted(results) == ["Accepted"] + ["AttachmentNotFound"] * 7
    assert (Message.objects.count(), Attachment.objects.count(), Upload.objects.count()) == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_upload_and_its_message_at_once_end_in_one_of_the_two(
    alice: User, chat: Conversation, folder: Path
) -> None:
    for _ in range(10):
        file = uploaded(alice)

        def cancel(file: UUID = file) -> object:
            try:
                return upload_cancel(user=alice, id=file)
            except AttachmentNotFound as refusal:
                return refusal

        def attempt(file: UUID = file) -> object:
            outcomes, _ = batch.write([send(alice, chat, file)])
            return outcomes[0].result

        cancelled, sent = in_order([cancel, attempt])
        assert isinstance(cancelled, AttachmentNotFound) == isinstance(sent, Accepted)
    run_due_jobs()
    assert StoredFile.objects.count() == Attachment.objects.count() == len(files_in(folder))


@pytest.mark.django_db(transaction=True)
def test_a_forward_and_the_removal_of_the_bytes_at_once(
    alice: User, chat: Conversation, carol: User, folder: Path
) -> None:
    """Either the copy has its bytes, or the forward is refused: never a message whose file is gone."""
    other = make_conversation(alice, carol)
    for _ in range(10):
        outcomes, _ = batch.write([send(alice, chat, uploaded(alice))])
        seq = outcomes[0].result.seq
        file = StoredFile.objects.latest("pk")

        def remove(seq: int = seq, file: StoredFile = file) -> None:
            batch.write([delete(alice, chat, seq)])
            file_remove(file.pk)

        def forward(seq: int = seq) -> object:
            outcomes, _ = batch.write([send(alice, other, forward=(chat.room_name, seq))])
            return outcomes[0].result

        _, sent = in_order([remove, forward])
        run_due_jobs()
        assert isinstance(sent, Accepted | MessageNotFound)
        has_file = isinstance(sent, Accepted) and bool(sent.message and sent.message.attachments)
        assert StoredFile.objects.filter(pk=file.pk).exists() == has_file
        assert bool([path for path in files_in(folder) if path.name == file.key]) == has_file
    assert Attachment.objects.count() == len(files_in(folder))


@pytest.mark.only_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_removal_waits_for_a_forward_that_is_being_written(
    alice: User, chat: Conversation, carol: User
) -> None:
    other = make_conversation(alice, carol)
    batch.write([send(alice, chat, uploaded(alice))])
    file = StoredFile.objects.get()

    def remove() -> None:
        file_remove(file.pk)
        connection.close()

    with transaction.atomic():
        batch.write([send(alice, other, forward=(chat.room_name, 1))])
        Attachment.objects.filter(conversation=chat).delete()
        removal = threading.Thread(target=remove)
        removal.start()
        until(is_a_lock_waited_for, "the removal waits for the row")
    removal.join()
    assert StoredFile.objects.get().state == StoredFile.State.KEPT


def is_a_lock_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
