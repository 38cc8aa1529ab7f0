"""All settings, read from top to bottom. Every line that a site may change is `env.x("NAME", default)`.

The defaults run on a fresh machine: SQLite, the database as queue, secrets made on the first start.
What production lacks is said by `manage.py check --deploy` (see tenants/checks.py).
"""

import logging.config
import os
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key

from .first_start import secret

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(os.environ.get("ENV_FILE") or BASE_DIR / ".env")

DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var")))
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

# --- who we are -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECRET_KEY, SECRET_KEY_GIVEN = secret("SECRET_KEY", folder=DATA_DIR, make=get_random_secret_key)

# Seals the credentials of CXone and the external platforms. Several keys, separated by commas: the first
# seals, all of them open; `manage.py rotate_credentials` seals everything anew with the first.
_keys, CREDENTIAL_KEYS_GIVEN = secret(
    "CREDENTIAL_KEYS", folder=DATA_DIR, make=lambda: Fernet.generate_key().decode()
)
CREDENTIAL_KEYS = [key.strip() for key in _keys.split(",") if key.strip()]

# --- what we are made of ----------------------------------------------------------------------

INSTALLED_APPS = [
    "tenants",
    "mapping",
    "mapping.apps.PresenceSyncAdmin",  # after ours: our templates come before its own
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_q",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "presence_sync.readers_zone.readers_zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "presence_sync.urls"
WSGI_APPLICATION = "presence_sync.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- where things are kept --------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", f"sqlite:///{DATA_DIR / 'presence_sync.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # WAL lets pages be read while a run writes; IMMEDIATE makes two writers queue instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Shared by all processes of one machine; several machines name a Redis here (CACHE_URL=redis://…).
CACHES = {"default": env.cache("CACHE_URL", f"filecache://{DATA_DIR / 'cache'}")}

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env.str("STATICFILES_BACKEND", "whitenoise.storage.CompressedManifestStaticFilesStorage")
    },
}

# --- Auto Sync --------------------------------------------------------------------------------

# A run whose lease was not renewed for so long is dead; a worker gives a run back after each slice.
SYNC_LEASE_SECONDS = env.int("SYNC_LEASE_SECONDS", 90)
SYNC_SLICE_SECONDS = env.int("SYNC_SLICE_SECONDS", 45)
SYNC_BATCH_SIZE = env.int("SYNC_BATCH_SIZE", 1000)
# Runs due at the same minute are started over so many seconds, each tenant's always at the same offset.
SYNC_SPREAD_SECONDS = env.int("SYNC_SPREAD_SECONDS", 120)
SYNC_HELD_HOURS = env.int("SYNC_HELD_HOURS", 72)  # a held run that nobody approved by then is discarded

# --- e-mail: notifications ----------------------------------------------------------------------

# smtp+tls://user:password@mail.example.org:587 (STARTTLS), smtp+ssl://… (465), smtp://… (25); dummymail:// for none.
# Without it they are printed to the log.
EMAIL_URL = env.str("EMAIL_URL", "") or "consolemail://"
_mail = env.email_url_config(EMAIL_URL)
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST = _mail["EMAIL_HOST"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_PORT = _mail["EMAIL_PORT"] or (587 if EMAIL_USE_TLS else 465 if EMAIL_USE_SSL else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"] or "", _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"]
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", 10)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", f"Presence Sync <presence-sync@{urlsplit(SITE_URL).hostname or 'localhost'}>"
)
del EMAIL_URL, _mail  # the address holds the password, and no page of settings hides it

# --- the queue: it only delivers tickets ------------------------------------------------------

Q_BROKER_URL = env.str("Q_BROKER_URL", "")
Q_HANG_SECONDS = env.int(
    "Q_HANG_SECONDS", 180
)  # a worker that shows no life for so long exits, to be restarted
Q_STOP_SECONDS = env.int("Q_STOP_SECONDS", 75)  # longer than a slice
Q_CLUSTER = {
    "name": env.str("Q_NAME", "presence-sync"),
    "label": "Background jobs",
    "workers": env.int("Q_WORKERS", 2),
    "timeout": 300,  # far above a slice; a worker that does not come back by then is replaced
    "retry": 1200,  # above timeout × what may wait in memory, so that nothing slow is delivered twice
    "queue_limit": 1,
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,  # our own tick repeats what was lost, a bounded number of times
    "save_limit": 100,
    "catch_up": False,
    "poll": 0.5,
    "guard_cycle": 1,
    "recycle": 200,
    "max_rss": 600_000,  # KiB
    "daemonize_workers": True,
    "ALT_CLUSTERS": {},
    **({"redis": Q_BROKER_URL} if Q_BROKER_URL else {"orm": "default"}),
}

# --- who may come in --------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", 12 * 3600)
SESSION_COOKIE_HTTPONLY = True

HTTPS = SITE_URL.startswith("https://")
# Whether a connection may point at this machine, as the demo's do: in production a secret could be led there.
ALLOW_LOOPBACK_PLATFORMS = env.bool("ALLOW_LOOPBACK_PLATFORMS", not HTTPS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", HTTPS)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if env.bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6000  # a page of proposals has a box a row; a bulk action a field a row

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- language, time, log ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_I18N = USE_TZ = True
FORMAT_MODULE_PATH = ["presence_sync.formats"]

LOGGING_CONFIG = None
logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
        "loggers": {"django.utils.autoreload": {"level": "WARNING"}},
    }
)
