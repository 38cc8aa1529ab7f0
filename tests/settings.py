"""The settings as they are, on ground of the tests' own: a folder that goes away, and nothing from .env.

The database is SQLite, in a file so that real worker processes can share it; DATABASE_URL in the environment
(not in .env) makes it another one.
"""

import os
import tempfile

SCRATCH = tempfile.TemporaryDirectory(prefix="presence-sync-tests-")

for name in ("SECRET_KEY", "CREDENTIAL_KEYS", "SECRET_KEY_FILE", "CREDENTIAL_KEYS_FILE"):
    os.environ.pop(name, None)
os.environ |= {  # what .env says of these is not looked at: the environment wins
    "DATA_DIR": SCRATCH.name,
    "DATABASE_URL": os.environ.get("DATABASE_URL") or f"sqlite:///{SCRATCH.name}/presence_sync.sqlite3",
    "CACHE_URL": f"filecache://{SCRATCH.name}/cache",
    "Q_BROKER_URL": "",
    "EMAIL_URL": "consolemail://",
    "SITE_URL": "http://testserver",
    "STATICFILES_BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    "LOG_LEVEL": os.environ.get("LOG_LEVEL", "ERROR"),
}

from presence_sync.settings import *  # noqa: E402, F403
from presence_sync.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": f"{SCRATCH.name}/test.sqlite3"}
else:  # a name of its own, so that two suites may run on one server
    DATABASES["default"]["TEST"] = {"NAME": f"test_presence_sync_{os.getpid()}"}

STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
