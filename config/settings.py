"""All settings, from the environment. Nothing else reads os.environ.

With an empty environment everything works on one machine: `make run` writes the addresses
of its own servers to var/run/env.json, models fall back to the echo model, mail to the log.
"""

import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.read()

BACKROOM_ENV = env.str("BACKROOM_ENV", default="production")
DEVELOPMENT = BACKROOM_ENV == "development"
TESTING = BACKROOM_ENV == "test"
if BACKROOM_ENV not in ("production", "development", "test"):
    raise ImproperlyConfigured("BACKROOM_ENV is one of production, development, test.")
DEBUG = False


def _secret(name: str) -> str:
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. On one machine, start everything with `make run`; "
            f"on a server, set {name} (or {name}_FILE). See .env.example."
        )
    return value


SECRET_KEY = _secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# id:base64-of-32-bytes, comma separated; the first encrypts, all decrypt (lib.crypto).
BACKROOM_KEYS = _secret("BACKROOM_KEYS")

PORT = env.int("PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=["127.0.0.1", "localhost", "[::1]", "testserver"]
    if BACKROOM_ENV != "production"
    else [],
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[BASE_URL])

# --- Apps ----------------------------------------------------------------------------------
# Public schema: one set of tables for the house. Tenant schema: one set per workspace.
SHARED_APPS = [
    "config",
    "workspaces",  # first: its `migrate` and `flush` replace the library's
    "django_tenants",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "billing",
    "ai",
    "connections",
]
TENANT_APPS = ["faqs", "messaging"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
TENANT_MODEL = "workspaces.Workspace"
# What each room lays in a new workspace, in its transaction (workspaces.schemas.create).
WORKSPACE_FOUNDATIONS = ["billing.plans.begin_trial", "messaging.bot.prepare"]
# The steps from a new workspace to a live bot, each with its page (workspaces.onboarding).
ONBOARDING_STEPS = {
    "business": "messaging:setup-business",
    "number": "connections:connect",
    "answers": "faqs:import-list",
    "try": "messaging:question-try",
    "live": "messaging:setup-live",
}
# What belongs to a workspace without bearing its id, and goes with it (workspaces.schemas.delete).
WORKSPACE_ERASURES = ["connections.inbox.erase_unrouted"]
# What each room does when a member goes, in that transaction (workspaces.team.remove).
MEMBER_DEPARTURES = ["messaging.leaving.depart"]
# What the file with everything of a workspace leaves out: work in progress, keyed digests, and
# what is of use here only. Columns that may hold a secret are left out by their names and kinds
# (workspaces.passport_contents).
EXPORT_HIDDEN_TABLES = [
    "workspaces_alarm",
    "workspaces_passport",
    "workspaces_passportpart",
    "connections_directoryentry",
    "connections_firstcontact",
    "connections_inboundevent",
    "connections_linkedsession",
    "connections_outboundjob",
    "connections_pacing",
    "connections_pairpacing",
    "faqs_trainedmodel",
]
# Who knows what a number is called where only its id is known (billing.reports).
NUMBER_NAMES = "connections.naming.names"
# Further roles of the database, each for a program of its own: what it may do to which tables.
DATABASE_ROLES = {
    "backroom_bridge": {
        "connections_linkedsession": "SELECT, UPDATE",
        "connections_linkedkey": "SELECT, INSERT, UPDATE, DELETE",
        "connections_linkedsent": "SELECT, INSERT, UPDATE, DELETE",
    }
}
# What no workspace's pages and workers ever read.
DATABASE_HIDDEN_TABLES = [
    "connections_linkedkey",
    "connections_linkedsent",
    "workspaces_spareschema",
]
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "workspaces.User"

MIDDLEWARE = [
    "workspaces.middleware.correlation",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Pages are read over 3G. What could be guessed from lengths (BREACH) it hides by random bytes.
    "django.middleware.gzip.GZipMiddleware",
    "workspaces.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workspaces.routing.middleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.page",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]

# --- Database ------------------------------------------------------------------------------
_DATABASE = env.db_url_config(_secret("DATABASE_URL"))
DATABASES = {
    "default": {
        **_DATABASE,
        # Own wrapper: one statement sets role, search_path and workspace (two walls).
        "ENGINE": "workspaces.database",
        # The setting lives in the session, so connections must not be shared mid-session
        # (no transaction pooler); they are recycled because each backend caches every
        # schema it has touched.
        "CONN_MAX_AGE": env.int("DATABASE_MAX_AGE_SECONDS", default=300),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # Who is cut off from PostgreSQL notices within some ten seconds, on either side.
            "connect_timeout": 3,
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "application_name": f"backroom {environment.process_name(sys.argv)}",
            **_DATABASE.get("OPTIONS", {}),
        },
    }
}
# A backend that has touched so many workspaces is given back (workspaces.database).
DATABASE_MAX_SCHEMAS = env.int("DATABASE_MAX_SCHEMAS", default=300)
# So many schemas are made ahead of sign-ups (workspaces.spares); 0: none.
SPARE_WORKSPACES = max(0, env.int("SPARE_WORKSPACES", default=3))
# A host that is cut off in a transaction keeps its locks for so long at most; 0: for ever.
# Migrations are not timed.
DATABASE_IDLE_TRANSACTION_SECONDS = env.float("DATABASE_IDLE_TRANSACTION_SECONDS", default=5.0)

# --- Redis: wake-ups and counters; losing it loses nothing ---------------------------------
REDIS_URL = _secret("REDIS_URL")
BROKER_URL = env.str("BROKER_URL", default=REDIS_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "bk",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

# --- Sign-in -------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "workspaces.accounts.AccountAdapter"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {"login": "workspaces.forms.SignInForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 6}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
# A new address, password or passkey is for who shows once more that it is them.
ACCOUNT_CHANGE_EMAIL = ACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_SUPPORTED_TYPES = ["webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = BACKROOM_ENV != "production"  # http://localhost
MFA_FORMS = {
    "add_webauthn": "workspaces.passkey_forms.AddPasskey",
    "authenticate_webauthn": "workspaces.passkey_forms.ShowPasskey",
    "login_webauthn": "workspaces.passkey_forms.SignInByPasskey",
    "reauthenticate_webauthn": "workspaces.passkey_forms.ShowPasskeyAgain",
}
MFA_RATE_LIMITS = {"webauthn_login": "100/m/ip"}
# Nigerian mobile users share carrier addresses: limits by address are wide, by account tight.
ACCOUNT_RATE_LIMITS = {
    "login": "300/m/ip",
    "login_failed": "100/m/ip,5/300s/key",
    "signup": "100/m/ip",
    "request_login_code": "100/m/ip,3/m/key,20/d/key",
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_FAILURE_VIEW = "config.errors.too_old"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
SESSION_COOKIE_NAME = f"bk_session_{PORT}" if BACKROOM_ENV != "production" else "bk_session"
CSRF_COOKIE_NAME = f"bk_csrf_{PORT}" if BACKROOM_ENV != "production" else "bk_csrf"
SECURE_SSL_REDIRECT = BASE_URL.startswith("https://")
# Only behind a proxy that sets the header itself; anybody else could claim it.
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^webhooks/"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
# The host is ours, its neighbours may not be: the wider promises are the operator's to make.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
SECURE_REFERRER_POLICY = "same-origin"
# Checked in development too; there the plain-http cookies are on purpose.
SILENCED_SYSTEM_CHECKS = (
    []
    if SECURE_SSL_REDIRECT
    else ["security.W004", "security.W008", "security.W012", "security.W016"]
)

EMAIL_URL = env.str("EMAIL_URL", default="consolemail://")
vars().update(env.email_url_config(EMAIL_URL))
# Where people write for help; without one the pages say: reply to our e-mails.
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Backroom <hello@backroom.invalid>")

# --- The API (connections.api): tokens only, no cookies -------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["connections.api.access.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["connections.api.access.MayManage"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "connections.api.formats.Negotiation",
    "DEFAULT_PARSER_CLASSES": [
        "connections.api.formats.JSONParser",
        "connections.api.formats.FormParser",
        "connections.api.formats.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "connections.api.errors.handle",
}

# --- Language, time, files -----------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = BASE_DIR / "var" / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024

# --- WhatsApp ------------------------------------------------------------------------------
WHATSAPP_APP_SECRET = env.str("WHATSAPP_APP_SECRET", default="")
WHATSAPP_VERIFY_TOKEN = env.str("WHATSAPP_VERIFY_TOKEN", default="")
GRAPH_API_URL = env.str("GRAPH_API_URL", default="https://graph.facebook.com").rstrip("/")
GRAPH_API_VERSION = env.str("GRAPH_API_VERSION", default="v26.0")
# The simulator speaks the same API; only development and tests may connect numbers to it.
SIMULATOR_PORT = env.int("SIMULATOR_PORT", default=8010)
SIMULATOR_URL = env.str(
    "SIMULATOR_URL",
    default="" if BACKROOM_ENV == "production" else f"http://127.0.0.1:{SIMULATOR_PORT}",
).rstrip("/")
WEBHOOK_MAX_BYTES = 3 * 1024 * 1024
WEBHOOK_MAX_UPDATES = 1_000
SEND_TIMEOUT_SECONDS = env.float("SEND_TIMEOUT_SECONDS", default=5.0)
# Provider calls that one number may have open at once, in one process.
SEND_IN_FLIGHT = env.int("SEND_IN_FLIGHT", default=16)
# A sending process that the database has not heard of for so long has lost its claims.
SENDER_LEASE_SECONDS = env.float("SENDER_LEASE_SECONDS", default=6.0)
# The front door (config.asgi). What each of its processes holds at most before it answers 503:
EDGE_PORT = env.int("EDGE_PORT", default=8001)
# Where the simulator finds it; in production a proxy gives it the webhooks of BASE_URL.
EDGE_URL = env.str("EDGE_URL", default=BASE_URL).rstrip("/")
EDGE_MAX_WAITING = env.int("EDGE_MAX_WAITING", default=2_000)
EDGE_MAX_BYTES = env.int("EDGE_MAX_BYTES", default=64 * 1024 * 1024)
# How long a body may take to arrive, and how long the database may take to store it.
EDGE_BODY_SECONDS = env.float("EDGE_BODY_SECONDS", default=10.0)
EDGE_PATIENCE_SECONDS = env.int("EDGE_PATIENCE_SECONDS", default=4)
# Linked devices: what Backroom shares with their engine (connections/bridge); empty: there is none.
BRIDGE_SECRET = env.str("BRIDGE_SECRET", default="")
# A repeated send carries the same WhatsApp id here, and a line is back within 25 s of its
# process' death: what became of the first is known by then, or it is safe to try again.
LINKED_DEVICE_UNKNOWN_RETRY_SECONDS = env.int("LINKED_DEVICE_UNKNOWN_RETRY_SECONDS", default=30)
LINKED_DEVICE_TIMEOUT_SECONDS = env.float("LINKED_DEVICE_TIMEOUT_SECONDS", default=20.0)
# Between two messages of a linked number, drawn anew each time; and how long it "types" before one.
LINKED_DEVICE_GAP_MS = env.list("LINKED_DEVICE_GAP_MS", cast=int, default=[1500, 4000])
LINKED_DEVICE_TYPING_MS = env.list("LINKED_DEVICE_TYPING_MS", cast=int, default=[1000, 3000])
# Conversations that a linked number may begin on its first day, and how many more each day.
LINKED_DEVICE_FIRST_CONTACTS = env.list("LINKED_DEVICE_FIRST_CONTACTS", cast=int, default=[10, 5])
# A WhatsApp server of one's own, for development and tests only (also read by the bridge), and
# where the local one is told what the pretend phone does.
LINKED_DEVICE_URL = env.str("LINKED_DEVICE_URL", default="")
FAKE_WHATSAPP_URL = env.str("FAKE_WHATSAPP_URL", default="").rstrip("/")
SEND_MAX_ATTEMPTS = env.int("SEND_MAX_ATTEMPTS", default=5)
# A send whose outcome nobody knows is tried again only after this long without a status.
UNKNOWN_RETRY_SECONDS = env.int("UNKNOWN_RETRY_SECONDS", default=300)

# --- Answering -----------------------------------------------------------------------------
RATE_LIMIT_WORKSPACE_PER_MINUTE = env.int("RATE_LIMIT_WORKSPACE_PER_MINUTE", default=20_000)
RATE_LIMIT_CONTACT_PER_MINUTE = env.int("RATE_LIMIT_CONTACT_PER_MINUTE", default=60)
LOOP_GUARD_LIKE_TEXTS = 20
LOOP_GUARD_SECONDS = 300
# Updates a worker deals with before others get their turn: of who writes now, and of a flood (and
# how many choices of models).
DRAIN_BATCH = env.int("DRAIN_BATCH", default=5)
DRAIN_BULK_BATCH = env.int("DRAIN_BULK_BATCH", default=40)
# A worker with work in line that gets none done for so long ends, and is started again; 0: never.
WATCHDOG_SECONDS = env.float("WATCHDOG_SECONDS", default=15.0)
# Each worker touches <name>.alive here while it is well.
ALIVE_FOLDER = env.str("ALIVE_FOLDER", default=str(BASE_DIR / "var" / "run"))
# From this age of the oldest unanswered message on, /readyz says that the house is behind.
READY_MAX_AGE_SECONDS = env.int("READY_MAX_AGE_SECONDS", default=60)
# How often news about our own messages (sent, delivered, read) is looked for.
NEWS_SECONDS = env.float("NEWS_SECONDS", default=1.0)
# What a process keeps of models and answers: a shop of 25 entries with 155 phrasings takes 0.9 MB
# and some milliseconds to read, so that is three hundred shops.
FAQ_INDEX_MB = env.int("FAQ_INDEX_MB", default=300)
# Where the language model that ranks answers lies (`python -m config.local models` fetches it),
# and how many threads one sentence may have; workers beside each other make better use of cores.
FAQ_MODEL_FOLDER = env.str("FAQ_MODEL_FOLDER", default=str(BASE_DIR / "var" / "models"))
FAQ_ENCODER_THREADS = env.int("FAQ_ENCODER_THREADS", default=1)
# How sure an answer is, fitted for another encoder (`python -m faqs.engine.fit --write`).
FAQ_CERTAINTY_FILE = env.str("FAQ_CERTAINTY_FILE", default="")
# How long a worker goes by what it read of a workspace's plan and numbers.
FACTS_SECONDS = env.float("FACTS_SECONDS", default=10.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=2.0)
TRIAL_DAYS = env.int("TRIAL_DAYS", default=14)

# --- AI: route -> model id; no key set means the local echo model --------------------------
AI_ROUTES = {
    "fast": env.str("AI_FAST_MODEL", default=""),
    "smart": env.str("AI_SMART_MODEL", default=""),
    "backup": env.str("AI_BACKUP_MODEL", default=""),
}
AI_API_KEY = env.str("AI_API_KEY", default="")
AI_API_BASE = env.str("AI_API_BASE", default="")
# A vendor's model that turns sentences into vectors in place of the local one (docs/answers.md).
AI_EMBEDDING_MODEL = env.str("AI_EMBEDDING_MODEL", default="")
AI_EMBED_SECONDS = env.float("AI_EMBED_SECONDS", default=0.8)
AI_EMBED_IN_TRANSACTIONS = False  # tests are transactions
AI_MONTHLY_LIMIT_NANO = env.int("AI_MONTHLY_LIMIT_NANO", default=1_000_000_000)  # 1 USD
# How long a model may take, from the moment it is asked; and how long a message may wait in
# line before that, after which the customer gets the menu.
AI_DEADLINE_SECONDS = env.float("AI_DEADLINE_SECONDS", default=1.9)
AI_LINE_SECONDS = env.float("AI_LINE_SECONDS", default=60.0)
AI_IN_FLIGHT = env.int("AI_IN_FLIGHT", default=200)  # calls that wait for a model, a process
# The echo model thinks for so long: for measurements.
AI_ECHO_SECONDS = env.float("AI_ECHO_SECONDS", default=0.0)

# --- Keeping and forgetting, in days -------------------------------------------------------
# 0 keeps for ever. The ledger and the audit are always kept.
RETENTION_DAYS = {
    "mailbox_payload": env.int("RETENTION_MAILBOX_DAYS", default=7),
    # Rows of the mailboxes: by their keys a repeated delivery is known (seven days at most).
    "mailbox_keys": env.int("RETENTION_MAILBOX_KEYS_DAYS", default=30),
    "mailbox_receipts": env.int("RETENTION_MAILBOX_RECEIPTS_DAYS", default=2),
    "trace": env.int("RETENTION_TRACE_DAYS", default=90),
    "connection_events": env.int("RETENTION_CONNECTION_EVENTS_DAYS", default=180),
    "directory": env.int("RETENTION_DIRECTORY_DAYS", default=400),
    "ai_calls": env.int("RETENTION_AI_CALLS_DAYS", default=30),
}
# Each room says what of its tables may go (workspaces.retention).
RETENTION_RULES = ["connections.keeping.rules", "ai.keeping.rules"]
RETENTION_WORKSPACE_RULES = ["messaging.keeping.rules", "faqs.history.rules"]

# --- Logs ----------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "lib.redact.Filter"}},
    "formatters": {"json": {"()": "lib.events.JsonFormatter"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": f"ext://sys.{env.str('LOG_STREAM', default='stdout')}",
            "formatter": "json",
            "filters": ["redact"],
        }
    },
    "root": {"handlers": ["stdout"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "celery": {"level": "WARNING"},
        # Its warnings tell of single bad requests: strangers would write our log.
        "uvicorn": {"handlers": [], "level": "ERROR", "propagate": True},
        "uvicorn.error": {"level": "ERROR"},
        # Without a way to a handler uvicorn does not put its line together at all.
        "uvicorn.access": {"handlers": [], "propagate": False},
        "urllib3": {"level": "WARNING"},
        "fido2": {"level": "WARNING"},
    },
}

SENTRY_DSN = env.str("SENTRY_DSN", default="")
