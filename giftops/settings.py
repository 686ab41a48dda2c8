"""Every setting, read from the environment and from `.env` beside manage.py.

Sections, always in this order: environment, installation, keys, apps, middleware, templates,
database, caches, jobs, sign-in, sessions and headers, files, time and language, API, logs, limits.
"""

import os
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from giftops import logs
from giftops.look import UNFOLD as UNFOLD  # read by django-unfold

# --- Environment --------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(os.environ.get("GIFTOPS_ENV_FILE", BASE_DIR / ".env"))

DEBUG = env.bool("DEBUG", default=False)

# --- Installation: who we are, where we keep things, how we are reached -------------------------

GIFTOPS_INSTANCE = env.str("GIFTOPS_INSTANCE", default="")
GIFTOPS_EPOCH = env.int("GIFTOPS_EPOCH", default=1)
GIFTOPS_VAR = Path(env.str("GIFTOPS_VAR", default=str(BASE_DIR / "var")))
GIFTOPS_SPOOL = Path(env.str("GIFTOPS_SPOOL", default=str(GIFTOPS_VAR / "spool")))
# Where answers go when even the first place refuses them: another disk, if there is one.
_second = env.str("GIFTOPS_SPOOL_SECOND", default="")
GIFTOPS_SPOOL_SECOND = Path(_second) if _second else None
GIFTOPS_VAR.mkdir(mode=0o700, parents=True, exist_ok=True)

WEB_PORT = env.int("WEB_PORT", default=8000)
SANDBOX_PORT = env.int("SANDBOX_PORT", default=8010)
GIFTOPS_PUBLIC_URL = env.str("GIFTOPS_PUBLIC_URL", default=f"http://127.0.0.1:{WEB_PORT}")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = [GIFTOPS_PUBLIC_URL]
GIFTOPS_TRUSTED_PROXIES = env.list("GIFTOPS_TRUSTED_PROXIES", default=[])
GIFTOPS_METRICS_FROM = env.list("GIFTOPS_METRICS_FROM", default=["127.0.0.0/8", "::1"])
# Hosts a provider account may point to, beside the documented ones ("host" or "host:port").
GIFTOPS_PROVIDER_HOSTS = env.list("GIFTOPS_PROVIDER_HOSTS", default=[])

# --- Keys: four different ones; `python -m giftops.make_env` writes fresh ones ------------------

SECRET_KEY = env.str("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
GIFTOPS_SEALING_KEYS = env.list("GIFTOPS_SEALING_KEYS", default=[])  # "kid:base64", newest first
GIFTOPS_INDEX_KEY = env.str("GIFTOPS_INDEX_KEY", default="")
GIFTOPS_AUDIT_KEY = env.str("GIFTOPS_AUDIT_KEY", default="")

# --- Apps ---------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",  # before the admin whose templates it replaces
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "django_q",
    "django_structlog",
    "rest_framework",
    "giftops",
    "providers",
    "orders",
]

# --- Middleware ---------------------------------------------------------------------------------

MIDDLEWARE = [
    "giftops.middleware.TrustedProxies",  # first: everything below reads the headers it cleans
    "giftops.middleware.NoCookiesForMachines",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "giftops.middleware.SessionEnds",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "giftops.middleware.NoStore",
    "giftops.middleware.LoggedRequests",
    "axes.middleware.AxesMiddleware",  # last: it turns a lockout into an answer
]

ROOT_URLCONF = "giftops.urls"
WSGI_APPLICATION = "giftops.wsgi.application"

# --- Templates ----------------------------------------------------------------------------------

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],  # before unfold's, which precede those of our apps
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

# --- Database: SQLite made safe, or PostgreSQL by DATABASE_URL ----------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{GIFTOPS_VAR / 'giftops.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # Measured with 6 writing processes: without IMMEDIATE 832 of 1,200 transactions failed.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL, because an intent that a power cut forgets is a double order.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-20000; "
            # So that the triggers of append-only tables hear of rows that REPLACE removes.
            "PRAGMA recursive_triggers=ON;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
        "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s -c lock_timeout=20s"
    )

# --- Caches: never in the memory of one process, because limits are counted in them -------------

REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "giftops_cache"}
    ),
    # The worker's own statistics: in the database an idle cluster would commit 59 times a second.
    "worker": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": GIFTOPS_VAR / "worker-cache",
    },
}

# --- Jobs: django-q2 is the doorbell, giftops.queue the queue of record -------------------------

GIFTOPS_BROKER = env.str("GIFTOPS_BROKER", default="database")  # or "redis", for latency
GIFTOPS_PERIODIC = "orders.schedules.PERIODIC"
GIFTOPS_WORKERS = env.int("GIFTOPS_WORKERS", default=2)
Q_CLUSTER: dict[str, Any] = {
    "name": "giftops",
    "label": "Worker",
    "workers": GIFTOPS_WORKERS,
    "queue_limit": GIFTOPS_WORKERS,  # more would be locked long before they start
    "bulk": 1,
    "timeout": 180,
    "retry": 900,  # well above timeout x (queue_limit / workers + 3)
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "guard_cycle": 0.5,  # with other values a stuck task is never killed
    "save_limit": -1,
    "cache": "worker",
}
if GIFTOPS_BROKER == "redis":
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "default"

# --- Sign-in ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "giftops.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "giftops.passwords.GuessableValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # so that a stranger locks out only himself
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "giftops.addresses.client_address"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# --- Sessions and headers -----------------------------------------------------------------------

_SECURE = env.bool("GIFTOPS_HTTPS", default=not DEBUG)
SESSION_COOKIE_NAME = "__Host-giftops" if _SECURE else "giftops"
SESSION_COOKIE_SECURE = _SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = env.int("GIFTOPS_SESSION_IDLE", default=8 * 3600 if DEBUG else 15 * 60)
SESSION_SAVE_EVERY_REQUEST = True  # makes the age an idle time
GIFTOPS_SESSION_LONGEST = env.int("GIFTOPS_SESSION_LONGEST", default=8 * 3600)
CSRF_COOKIE_NAME = "__Host-csrf" if _SECURE else "csrf"
CSRF_COOKIE_SECURE = _SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"

SECURE_SSL_REDIRECT = _SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = (
    "HTTP_X_FORWARDED_PROTO",
    "https",
)  # dropped unless a trusted proxy says so
SECURE_HSTS_SECONDS = 365 * 86400 if _SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _SECURE
SECURE_HSTS_PRELOAD = _SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, UNSAFE_EVAL],  # Alpine, which unfold uses, evaluates its attributes
        "style-src": [SELF, UNSAFE_INLINE],  # unfold writes its colours into the page
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Files --------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
MEDIA_ROOT = GIFTOPS_VAR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600

# --- Time and language --------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
LANGUAGE_CODE = "en"
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "COERCE_DECIMAL_TO_STRING": True,
}

# --- Logs ---------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
LOGGING = logs.configuration(level=LOG_LEVEL, style=LOG_FORMAT)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # addresses belong into the audit trail, not into logs

# --- Limits of the business ---------------------------------------------------------------------

# Without an entry for its currency every batch needs an approval; amounts in major units.
GIFTOPS_APPROVAL_LIMITS: dict[str, str] = env.dict(
    "GIFTOPS_APPROVAL_LIMITS",
    default={"USD": "1000", "EUR": "1000", "CAD": "1000", "GBP": "1000"},
)
GIFTOPS_ORDER_LIMITS: dict[str, int] = {
    "max_batch_quantity": env.int("GIFTOPS_MAX_BATCH_QUANTITY", default=500),
}
GIFTOPS_REVEALS_A_DAY = env.int("GIFTOPS_REVEALS_A_DAY", default=10)
# Seconds; deadline of a write < timeout of a task < lease of a claim < retry of the broker.
GIFTOPS_WRITE_DEADLINE = env.int("GIFTOPS_WRITE_DEADLINE", default=40)
GIFTOPS_READ_DEADLINE = env.int("GIFTOPS_READ_DEADLINE", default=15)
GIFTOPS_LEASE_SECONDS = env.int("GIFTOPS_LEASE_SECONDS", default=300)
GIFTOPS_SWEEP_SECONDS = env.int("GIFTOPS_SWEEP_SECONDS", default=60)
GIFTOPS_DISK_MINIMUM = env.int("GIFTOPS_DISK_MINIMUM", default=256 * 1024 * 1024)  # bytes free
GIFTOPS_MAX_BODY = env.int("GIFTOPS_MAX_BODY", default=8 * 1024 * 1024)
