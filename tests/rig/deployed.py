"""`python -m tests.rig.deployed COMMAND...`: runs a command with the settings of a deployment behind TLS."""

import secrets
import subprocess
import sys

from tests.rig.environment import clean_environment
from tests.rig.temporary import temporary_folder


def main() -> int:
    with temporary_folder("deployed") as folder:
        values = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "ROOM_NAME_KEY", "INVITE_KEY")}
        values |= {
            "PUBLIC_URL": "https://chat.example.org",
            "TRUSTED_PROXIES": "1",
            "DATA_DIR": str(folder),
            "STATIC_ROOT": str(folder),
        }
        return subprocess.call(sys.argv[1:], env={**clean_environment(), **values})


if __name__ == "__main__":
    sys.exit(main())
