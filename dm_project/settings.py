"""Django settings, read from the environment. `.env.example` explains each variable.

No other module imports this one; the code reads `django.conf.settings`.
"""

from pathlib import Path

from csp.constants import NONE, SELF

from dm_project import env, env_files, env_urls
from dm_project.cookie_parsing import patch_cookie_parsing
from dm_project.db.sqlite import use_fixed_sqlite
from dm_project.private_files import keep_private

env.read_file()
SQLITE_MAY_USE_WAL = use_fixed_sqlite()
patch_cookie_parsing()

# Site and addresses

BASE_DIR = env.ROOT
SITE_NAME = env.text("SITE_NAME", "Entre")
SOURCE_URL = env.text("SOURCE_URL")
DEBUG = env.boolean("DEBUG", False)
PORT = env.integer("PORT", 8000, 1, 65535)
HOST = env.text("HOST", "127.0.0.1")
DATA_DIR = env.directory("DATA_DIR", BASE_DIR / "data", private=True)
_public = env_urls.public_url()
PUBLIC_ORIGIN = _public.origin if _public else ""
_https = bool(_public and _public.is_https)
# Names of this machine, with the address that it listens on if that is one address and not all of them.
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env_urls.listening_hosts(HOST)]

# Keys

SECRET_KEY = env.key("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.string_list("SECRET_KEY_FALLBACKS")
ROOM_NAME_KEY = env.key("ROOM_NAME_KEY").encode()
INVITE_KEY = env.key("INVITE_KEY").encode()

# Access

REGISTRATION = env.choice("REGISTRATION", "open", ("open", "invite", "closed"))
DIRECTORY = env.boolean("DIRECTORY", True)
LIMITS = env.boolean("LIMITS", True)
ADMIN = env.boolean("ADMIN", False)
MORE_HOSTS = env.string_list("ALLOWED_HOSTS")
ALLOWED_HOSTS = [*LOCAL_HOSTS, *([_public.host] if _public else []), *MORE_HOSTS]
_open = {"PUBLIC_URL": _public, "ALLOWED_HOSTS": MORE_HOSTS, "HOST": not env_urls.is_loopback(HOST)}
ONLY_THIS_MACHINE = not any(_open.values())
if DEBUG and not ONLY_THIS_MACHINE:
    _name = next(name for name, is_set in _open.items() if is_set)
    raise env.invalid(
        "DEBUG",
        f"DEBUG is on, and {_name} lets other machines in. Development error pages show secrets.",
    )
CSRF_TRUSTED_ORIGINS = [PUBLIC_ORIGIN] if PUBLIC_ORIGIN else []
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, 0, 8)

# Apps. daphne comes before staticfiles, or `runserver` would not use Daphne.

INSTALLED_APPS = [
    "daphne",
    "dm_project.apps.ProjectConfig",
    "conversations.apps.ConversationsConfig",
    "django_tasks",
    "django_tasks_db",
    "accounts.apps.AccountsConfig",
    "channels",
    "allauth",
    "allauth.account",
    "csp",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.admin",
]

MIDDLEWARE = [
    "dm_project.middleware.release_request_body",
    "dm_project.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Before WhiteNoise, so that static files get the policy too: a script or image can be opened as a page.
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dm_project.middleware.track_writes",
    "accounts.middleware.SlidingSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "accounts.middleware.csrf_cookie_per_port",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.IdentityMiddleware",
    "dm_project.rate_limit.limit_requests",
    "dm_project.acting_user.acting_user",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.record_devices",
    "dm_project.errors.UnavailableStoreMiddleware",
]

ROOT_URLCONF = "dm_project.urls"
ASGI_APPLICATION = "dm_project.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "dm_project.context.site",
                "conversations.held_invite.invited",
            ],
        },
    },
]

# Database, Redis, cache and channel layer

_sqlite = DATA_DIR / "entre.sqlite3"
DATABASES = {"default": env_urls.database("DATABASE_URL", _sqlite, wal=SQLITE_MAY_USE_WAL)}
if str(DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
    _sqlite = Path(str(DATABASES["default"]["NAME"]))
_parts = [
    _sqlite,
    *(_sqlite.with_name(f"{_sqlite.name}-{part}") for part in ("wal", "shm", "journal")),
    DATA_DIR / "media",
    DATA_DIR / "attachments",
]
keep_private(DATA_DIR, *_parts, DATA_DIR / "last-write")
REDIS_URL = env_urls.redis_url()
REDIS_PREFIX = env.text("REDIS_PREFIX", "entre")

if REDIS_URL:
    CACHES: dict[str, dict[str, object]] = {
        "default": {
            "BACKEND": "dm_project.redis_cache.BoundedRedisCache",
            "LOCATION": REDIS_URL,
            # Separates the presence, limits and allauth counters of several installations.
            "KEY_PREFIX": REDIS_PREFIX,
            # A frozen Redis must not block a thread for longer than this.
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "conversations.channel_layers.redis.RedisLayer",
            # The layer limits its own retries; redis-py's health check and retries would flood Redis (ADR
            # 0004).
            "CONFIG": {
                "hosts": [
                    {
                        "address": REDIS_URL,
                        "socket_timeout": 15,
                        "socket_connect_timeout": 2,
                    }
                ],
                "prefix": REDIS_PREFIX,
                **({"symmetric_encryption_keys": [env.text("LAYER_KEY")]} if env.text("LAYER_KEY") else {}),
            },
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }
    CHANNEL_LAYERS = {"default": {"BACKEND": "conversations.channel_layers.local.LocalChannelLayer"}}

# Accounts (django-allauth)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["accounts.hashers.BoundedArgon2", "accounts.hashers.BoundedPBKDF2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "accounts.passwords.NotAboutYou", "OPTIONS": {"user_attributes": ("username", "name", "email")}},
    {"NAME": "accounts.passwords.NotCommon"},
    {"NAME": "accounts.passwords.NotOnlyDigits"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/chats/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
_mail = env_urls.email()
MAIL_CONFIGURED = bool(_mail)
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
MAIL_INLINE = False
ACCOUNT_ADAPTER = "conversations.account_adapter.InviteAccountAdapter"
ACCOUNT_USER_DISPLAY = "accounts.selectors.display_name"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.signup.SignupForm",
    "login": "accounts.forms.login.LoginForm",
    "reset_password": "accounts.forms.passwords.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.passwords.ResetPasswordKeyForm",
    "user_token": "accounts.forms.passwords.UserTokenForm",
    "change_password": "accounts.forms.passwords.ChangePasswordForm",
    "set_password": "accounts.forms.passwords.SetPasswordForm",
    "reauthenticate": "accounts.forms.login.ReauthenticateForm",
    "add_email": "accounts.forms.emails.AddEmailForm",
    "confirm_email_verification_code": "accounts.forms.emails.ConfirmCodeForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
# allauth requires the star where addresses are verified. Our form does not require an address, and
# accounts/stages.py logs in users without one.
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*" if MAIL_CONFIGURED else "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if MAIL_CONFIGURED else "none"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = (
    ACCOUNT_EMAIL_NOTIFICATIONS
) = MAIL_CONFIGURED
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
# A family or a class behind one address signs up together. The `key` of a failed login is a name tried from
# one address (accounts/adapter.py).
_rates = {
    "signup": "60/10m/ip",
    "login": "60/m/ip",
    "login_failed": "60/5m/ip,10/5m/key",
    # Guesses at one account: from the networks of one site, from everywhere, and from a network that is new
    # to it (accounts/login_attempts.py).
    "login_site": "30/5m/key",
    "login_account": "100/h/key",
    "login_newcomer": "2/h/key",
    "confirm_email": "1/10s/key",
    "mail_to_address": "12/d/key",
    "picture": "30/h/user",
    "username_check": "60/m/user",
    "username_change": "5/d/user",
    "name_change": "20/h/user",
}
ACCOUNT_RATE_LIMITS = _rates if LIMITS else False
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

# Sessions, cookies, headers

SESSION_ENGINE = "accounts.sessions"
# Since its last use: renewed about once a day (accounts/sessions.py).
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _https
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
# Only this host, over TLS, can set a cookie with this prefix: no other subdomain can plant one.
# Without TLS the name contains the port, because cookies ignore ports: a second service on this host would
# log out all users of this one.
_cookies = "__Host-" if _https else f"port{_public.port if _public else PORT}-"
SESSION_COOKIE_NAME = f"{_cookies}sessionid"
CSRF_COOKIE_NAME = f"{_cookies}csrftoken"
SIGNED_COOKIE_LEGACY_SALT_FALLBACK = False
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_SSL_REDIRECT = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# The proxy redirects to TLS (W008); we cannot decide for subdomains (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "dm_project.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# Email

vars().update(_mail)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env_urls.sender(
    "DEFAULT_FROM_EMAIL", SITE_NAME, _public.host if _public else "localhost"
)
EMAIL_TIMEOUT = 10

# Languages and time

LANGUAGE_CODE = "en"
# Each in its own language, so that users can find theirs.
LANGUAGES = [("en", "English"), ("pt-br", "Português"), ("ru", "Русский")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: hashed names, precompressed, served by WhiteNoise (or by nginx from the same directory)

STATIC_URL = "/static/"
# Written by collectstatic only, so a container may mount it read-only.
STATIC_ROOT = env.directory("STATIC_ROOT", BASE_DIR / "staticfiles", writable=False)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# By default the scripts of any site may read them.
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "dm_project.staticfiles.storage.HashedModulesStorage"
    },
}
MEDIA_ROOT = DATA_DIR / "media"

# Files of messages (docs/protocol.md 7). Never below a folder that a web server serves by itself.

ATTACHMENTS_DIR = env.directory("ATTACHMENTS_DIR", DATA_DIR / "attachments", private=True)
FILES_BY_NGINX = env.boolean("FILES_BY_NGINX", False)
CLAMD_SOCKET = env.text("CLAMD_SOCKET")
ATTACHMENT_BYTES = env.integer("ATTACHMENT_BYTES", 104_857_600, 1_048_576, 1_099_511_627_776)
ATTACHMENT_BYTES_A_PERSON = env.integer(
    "ATTACHMENT_BYTES_A_PERSON", 5_368_709_120, 1_048_576, 1_125_899_906_842_624
)
ATTACHMENT_WHOLE_BYTES = 8_388_608
STORAGES["attachments"] = env_files.attachment_storage("FILES_URL", ATTACHMENTS_DIR, shared=FILES_BY_NGINX)
DISK_FREE_MB = env.integer("DISK_FREE_MB", 100, 0, 1_000_000)

# Sockets and messages (docs/protocol.md 4 to 7)

DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = DAPHNE_WEBSOCKET_MAX_FRAME_SIZE = 131_072
DATA_UPLOAD_MAX_MEMORY_SIZE = 262_144
# Patterns of paths where a body may be larger than BODY_BYTES if its length is declared: a file of 8 MiB in a
# form.
_whole = 8_388_608 + 65_536
UPLOAD_BYTES = {
    "/settings/profile/picture/": _whole,
    "/api/v1/attachments": _whole,
    "/chats/dm-[a-z2-7]{32}/": _whole,
}
BODY_BYTES = env.integer("BODY_BYTES", 1_048_576, 262_144, 1_073_741_824)
# A part is one body.
ATTACHMENT_PART_BYTES = min(1_048_576, BODY_BYTES)
HEARTBEAT_MS = env.integer("HEARTBEAT_MS", 25_000, 1_000, 120_000)
HEADS_EVERY_MS = env.integer("HEADS_EVERY_MS", 25_000, 200, 30_000)
POLL_EVERY_MS = env.integer("POLL_EVERY_MS", 1_000, 50, 10_000)
VIGIL_EVERY_MS = env.integer("VIGIL_EVERY_MS", 1_000, 100, 60_000)
AWAY_AFTER_MS = env.integer("AWAY_AFTER_MS", 10_000, 0, 30_000)
JOURNAL_INLINE = False
JOURNAL_QUEUE = env.integer("JOURNAL_QUEUE", 10_000, 1, 1_000_000)
METRICS_TOKEN = env.text("METRICS_TOKEN")

# Jobs

JOBS = env.choice("JOBS", "inside", ("inside", "outside"))
# Seconds after which a job that has not ended runs again, by queue: its process was killed, or it hangs.
_leases = {"default": 60, "search": 60, "media": 5 * 60, "exports": 30 * 60}
TASKS = {
    "default": {
        "BACKEND": "conversations.jobs.backend.JobsBackend",
        "QUEUES": list(_leases),
        "OPTIONS": {"leases": _leases},
    }
}

# Limits (docs/protocol.md 7). LIMITS=off disables all of them, for measurements.

LIMIT_NUMBERS = {
    "frames_burst": 240,
    "frames_per_s": 40,
    "address_burst": 1_200,
    "address_per_s": 200,
    "sends_burst": 60,
    "sends_per_s": 10,
    "reactions_burst": 30,
    "reactions_per_s": 3,
    "drafts_burst": 20,
    "drafts_per_s": 2,
    "typing_every_ms": 2_000,
    "sockets_a_person": 20,
    "sockets_an_address": 100,
    "new_conversations_a_day": 20,
    "open_invites": 20,
    "unknown_tokens_a_minute": 10,
    "claims_an_hour": 30,
    "unknown_people_a_minute": 30,
    "uploads_an_hour": 300,
    "downloads_at_once": 20,
}

EDIT_WINDOW_S = 24 * 3_600
"""How long after sending it a message can be edited. Told to every client, like the limits."""

# Logs: one line to standard error; never a message body, a token, a cookie or a query string

LOG_LEVEL = env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")).upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "dm_project.log_filters.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "filters": {"secrets": {"()": "dm_project.log_filters.RedactSecretPaths"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["secrets"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False},
        # The statements of the journal contain message bodies: never logged, not even at debug level.
        "django.db.backends": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "daphne.http_protocol": {"level": "WARNING"},
        "daphne.ws_protocol": {"level": "WARNING"},
        "daphne.server": {"level": "WARNING"},
    },
}
