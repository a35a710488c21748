"""Test settings: fixed keys, a fast hasher, a temporary database; no network, no `.env`."""

import atexit
import os

from tests.rig.temporary import make_folder, remove_folder

_folder = make_folder("tests")
atexit.register(remove_folder, _folder)
os.environ.update(
    SECRET_KEY="tests-secret-key-0123456789-0123456789",
    ROOM_NAME_KEY="tests-room-name-key-0123456789-01234",
    INVITE_KEY="tests-invite-key-0123456789-0123456789",
    DATA_DIR=str(_folder / "data"),
    STATIC_ROOT=str(_folder / "static"),
    ADMIN="on",
)
for _name in ("PUBLIC_URL", "REDIS_URL", "EMAIL_URL", "REGISTRATION", "LIMITS", "SITE_NAME", "DEBUG", "JOBS"):
    os.environ[_name] = ""
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "")

from dm_project.settings import *  # noqa: E402, F403
from dm_project.settings import DATABASES, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
if str(DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
    # A file, not memory: the writer thread and the query threads have their own connections.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
ACCOUNT_RATE_LIMITS = False
LIMITS = False
JOURNAL_INLINE = True
MAIL_INLINE = True
