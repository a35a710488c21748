"""The steps of deploy/Dockerfile in a copy of its build context: collect, migrate, serve, health check."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.rig.containers import DOCKERFILE, Instruction, instructions, send_context
from tests.rig.daphne_server import TIMEOUT_S, free_port
from tests.rig.environment import KEYS, ROOT, setting_names


def step(name: str, containing: str = "") -> Instruction:
    return next(
        found
        for found in instructions(DOCKERFILE.read_text(encoding="utf-8"))
        if found.name == name and containing in found.text
    )


def test_the_image_collects_migrates_serves_and_is_healthy(tmp_path: Path) -> None:
    folder, port = tmp_path / "srv", free_port()
    folder.mkdir()
    send_context(folder, (ROOT / ".dockerignore").read_text(encoding="utf-8"))
    # As in the container: our variables come only from the image. "python" is that of the environment, first
    # in PATH.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {*setting_names(), "DJANGO_SETTINGS_MODULE", "PYTHONPATH"}
    }
    paths = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATA_DIR": str(tmp_path / "data"),
    }
    environment = {
        **kept,
        **paths,
        "STATIC_ROOT": str(tmp_path / "static"),
        "HOST": "0.0.0.0",
        "PORT": str(port),
    }

    collect = step("RUN", "collectstatic").text.replace("/tmp/build", str(tmp_path / "build"))
    subprocess.run(["sh", "-ec", collect], cwd=folder, env=environment, check=True, timeout=TIMEOUT_S)
    assert (tmp_path / "static" / "staticfiles.json").is_file()

    health = json.loads(step("HEALTHCHECK").text.removeprefix("CMD "))

    def is_healthy() -> bool:
        # The health check must not go through a proxy that Docker configures for every container.
        proxied = {**environment, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        return (
            subprocess.run(
                health, cwd=folder, env=proxied, capture_output=True, check=False, timeout=TIMEOUT_S
            ).returncode
            == 0
        )

    assert not is_healthy(), "the server is not started yet"
    serving = subprocess.Popen(
        json.loads(step("CMD").text), cwd=folder, env={**environment, **KEYS}, stdin=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not is_healthy():
            assert serving.poll() is None
            assert time.monotonic() < deadline
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["status"] == "ready"
        assert httpx.get(f"http://127.0.0.1:{port}/accounts/signup/").status_code == 200
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(TIMEOUT_S) == 0
