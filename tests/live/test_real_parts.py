"""Redis, PostgreSQL and Daphne of the tests are real, and the service starts with each of them."""

import subprocess
import sys

import httpx
import psycopg
import pytest

from tests.conftest import ServerMaker
from tests.rig.daphne_server import TIMEOUT_S, EntreServer, free_port
from tests.rig.environment import ROOT
from tests.rig.postgres import PostgresServer
from tests.rig.redis_server import RedisServer


def test_redis_restarts_at_the_same_address(real_redis: RedisServer) -> None:
    with real_redis.client() as client:
        client.set("greeting", "hello")
        assert client.get("greeting") == "hello"
    real_redis.stop()
    real_redis.start()
    with real_redis.client() as client:
        assert client.get("greeting") is None


def test_postgres_is_a_current_version(real_postgres: PostgresServer) -> None:
    with psycopg.connect(real_postgres.new_database().replace("postgres://", "postgresql://")) as connection:
        version = connection.execute("show server_version_num").fetchone()
    assert version is not None
    assert int(version[0]) >= 150000


def test_the_default_service_answers_and_is_ready(daphne_server: EntreServer) -> None:
    assert httpx.get(f"{daphne_server.address}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{daphne_server.address}/readyz")
    assert ready.status_code == 200, ready.text


def test_two_processes_on_postgres_and_redis_answer_and_are_ready(shared_scaled_server: EntreServer) -> None:
    for process in range(2):
        ready = httpx.get(f"{shared_scaled_server.address_of(process)}/readyz")
        assert ready.status_code == 200, ready.text


def test_a_port_in_use_is_one_sentence(daphne_server: EntreServer, start_server: ServerMaker) -> None:
    second = start_server()
    second.stop()
    second.ports[0] = daphne_server.ports[0]
    assert second.launch().wait(TIMEOUT_S) != 0
    assert f"port {daphne_server.ports[0]} is in use" in second.log()
    assert "Traceback" not in second.log()


def test_it_stops_gracefully(start_server: ServerMaker) -> None:
    server = start_server()
    assert server.stop() in {0, -15}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "Redis (127.0.0.1) does not answer"),
        ({"DATABASE_URL": "postgres://entre@127.0.0.1:1/entre"}, "the database (127.0.0.1) does not answer"),
        ({"PORT": "eight thousand"}, "PORT is 'eight thousand'"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY has 5 characters"),
        ({"REGISTRATION": "maybe"}, "REGISTRATION is 'maybe'"),
        ({"PUBLIC_URL": "chat.example.org"}, "PUBLIC_URL is 'chat.example.org'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_failed_start_ends_with_one_sentence(
    start_server: ServerMaker, values: dict[str, str], sentence: str
) -> None:
    server = start_server(processes=0)
    command = [sys.executable, "-m", "dm_project.server"]
    environment = {**server.environment, "PORT": str(free_port()), **values}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert done.returncode != 0
    assert f"Entre cannot start: {sentence}" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
