"""Servers that the live tests share, because starting one takes seconds. Each test signs up its own users.

A test that stops or breaks a server uses its own: `start_server`, `scaled_server`, `real_redis`.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import or_skip
from tests.rig import programs
from tests.rig.daphne_server import EntreServer, SharedStatics, migrated_database
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer


@pytest.fixture(scope="package")
def daphne_server(statics: SharedStatics) -> Iterator[EntreServer]:
    """One process with SQLite and the local channel layer."""
    with EntreServer(statics) as server:
        yield server


@pytest.fixture(scope="package")
def shared_redis() -> Iterator[RedisServer]:
    """The Redis of the shared scaled server. Tests may listen, but not stop it."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(RedisServer())
        except programs.MissingProgram as reason:
            or_skip(reason)
        yield server


@pytest.fixture(scope="package")
def shared_scaled_server(
    statics: SharedStatics, real_postgres: PostgresServer, shared_redis: RedisServer
) -> Iterator[EntreServer]:
    """Two processes on PostgreSQL and Redis."""
    with EntreServer(
        statics, 2, DATABASE_URL=migrated_database(real_postgres), REDIS_URL=shared_redis.url
    ) as server:
        yield server
