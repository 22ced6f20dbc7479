"""What differs under test: fast hashes, mail in memory, no static manifest."""

from config.settings import *  # noqa: F403
from config.settings import STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# Wake-ups stay in the process that sent them: a machine's Redis is shared with others.
BROKER_URL = "memory://"
REDIS_URL = "redis://127.0.0.1:1/0"
# A test is one transaction, and may take its time.
DATABASE_IDLE_TRANSACTION_SECONDS = 0

# Tests change plans and numbers and expect it to count at once.
FACTS_SECONDS = 0.0
