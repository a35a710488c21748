"""`python -m tests.rig.deployed COMMAND...`: runs a command with the settings of a deployment behind TLS."""

import secrets
import subprocess
import sys
import tempfile

from tests.rig.environment import clean_environment


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="entre-deployed-") as folder:
        values = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "ROOM_NAME_KEY", "INVITE_KEY")}
        values |= {
            "PUBLIC_URL": "https://chat.example.org",
            "TRUSTED_PROXIES": "1",
            "DATA_DIR": folder,
            "STATIC_ROOT": folder,
        }
        return subprocess.call(sys.argv[1:], env={**clean_environment(), **values})


if __name__ == "__main__":
    sys.exit(main())
