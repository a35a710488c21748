"""Schemathesis checks the OpenAPI description: a real server accepts valid requests and rejects others."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerMaker
from tests.rig.environment import ROOT
from tests.rig.people import Person

SEED, EXAMPLES = 7, 3
# 410: an invite that has ended. 413: a text that is too long.
SETTINGS = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 410]
"""


@pytest.mark.timeout(600)  # half a minute on a quiet machine; on a busy one it took 260 seconds
def test_the_api_accepts_what_its_description_allows_and_rejects_the_rest(
    start_server: ServerMaker, person_at: Callable[..., Person], tmp_path: Path
) -> None:
    """The same requests in each run: the examples, boundary values, and random ones with a fixed seed."""
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    assert alice.write(room, "the first message").status_code == 201
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    arguments = [
        "--config-file",
        "schemathesis.toml",
        "run",
        f"{server.address}/api/v1/openapi.json",
        "--seed",
        str(SEED),
        "--checks",
        "all",
    ]
    arguments += [
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        str(EXAMPLES),
        "--continue-on-failure",
        # Ten seconds unless set: a busy machine would fail the test.
        "--request-timeout",
        "120",
        "--no-color",
    ]
    known = {"ENTRE_COOKIES": alice.cookies, "ENTRE_ORIGIN": server.address}
    environment = {
        **os.environ,
        **known,
        "SCHEMATHESIS_HOOKS": "tests.rig.openapi_hooks",
        "PYTHONPATH": str(ROOT),
    }
    program = Path(sys.executable).with_name("schemathesis")
    result = subprocess.run(
        [program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    assert "Traceback" not in server.log()
