"""The tutorial's settings, with every choice that costs nothing made in its favour (README.md lists them)."""

import os

SECRET_KEY = "a benchmark on this machine only, without real data"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "daphne",
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "benchmarks.peers.tutorial.apps.TutorialConfig",
]
ROOT_URLCONF = "benchmarks.peers.tutorial.urls"
ASGI_APPLICATION = "benchmarks.peers.tutorial.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
SAVES = os.environ.get("BENCH_SAVES") == "1"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["BENCH_DATABASE"],
        # Kept, or every message would open a connection; WAL and FULL as in the product, so that the file's
        # mode decides nothing.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000",
        },
    }
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # The default capacity of 100 is shared by all sockets of a process and would lose messages under
        # load.
        "CONFIG": {"hosts": [os.environ["BENCH_REDIS"]], "capacity": 10_000},
    }
}

LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING"}}
