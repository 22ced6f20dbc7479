"""The simulator's process: no database, no sessions, no sign-in, one small page."""

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, TESTING, env

ROOT_URLCONF = "connections.simulator.urls"
WSGI_APPLICATION = "config.wsgi_simulator.application"
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",  # for Content-Length
]
APPEND_SLASH = False
DATABASES = {}
DATABASE_ROUTERS = []
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
# The Graph API may be called by any name; page and control side check the name themselves.
ALLOWED_HOSTS = ["*"]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
    }
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
WHITENOISE_MAX_AGE = 0
# Answers of 400 and 500 are what it is for; only a fault of its own is worth a line.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "redact": {"()": "lib.redact.Filter"},
        "only_faults": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: bool(record.exc_info),
        },
    },
    "formatters": {"json": {"()": "lib.events.JsonFormatter"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "json",
            "filters": ["redact"],
        }
    },
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {"django.request": {"filters": ["only_faults"]}},
}

# Messages remembered for each business number.
SIMULATOR_KEEP = env.int("SIMULATOR_KEEP", default=2_000)
# Where chats are kept between two starts; empty keeps them in memory only.
_state_file = env.str(
    "SIMULATOR_STATE_FILE", default="" if TESTING else str(BASE_DIR / "var" / "simulator.json")
)
SIMULATOR_STATE_FILE = BASE_DIR / _state_file if _state_file else None
