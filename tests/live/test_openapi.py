"""The description of the API keeps its promises: Schemathesis reads it, and asks a real server for all that it promises and refuses."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerMaker
from tests.rig.environment import ROOT
from tests.rig.people import Person

SEED, EXAMPLES = 7, 5
# 410 is what an ended invite answers; 413 is how a text that is too long is refused.
SETTINGS = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 410]
"""


@pytest.mark.timeout(300)  # half a minute, but the machine may have other things to do
def test_the_api_accepts_what_its_description_allows_and_rejects_the_rest(
    start_server: ServerMaker, person_at: Callable[..., Person], tmp_path: Path
) -> None:
    """Always the same requests: the examples, the edges of every value, and some that chance has chosen once."""
    server = start_server(LIMITS="off")
    alice, bob = person_at(server, "alice"), person_at(server, "bob")
    room = alice.open_chat_with(bob)
    assert alice.write(room, "the first message").status_code == 201
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    words = [
        "--config-file",
        "schemathesis.toml",
        "run",
        f"{server.address}/api/v1/openapi.json",
        "--seed",
        str(SEED),
        "--checks",
        "all",
    ]
    words += [
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        str(EXAMPLES),
        "--continue-on-failure",
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
    done = subprocess.run(
        [program, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in server.log()
