"""Django's settings, read once from the environment; `docs/settings.md` explains each variable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django import VERSION
from django.core.exceptions import ImproperlyConfigured

from core.hooks.discovery import discover
from core.hooks.proof import prove_apps
from core.project import environment, logs
from core.project.variables import Variables

env = Variables()

# What this is
DEBUG = env.bool("DEBUG", default=False)
ORDERLOOM_DATA = environment.data_folder(env)
SECRET_KEY = environment.secret_key(env, debug=DEBUG, folder=ORDERLOOM_DATA)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
if not DEBUG and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set: name the host names of this shop, separated by commas, "
        "or set DEBUG=1 on a machine of your own (`make run` does)."
    )
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ADMINS: list[Any] = env.list("ADMINS", default=[])
if VERSION < (6, 0):
    ADMINS = [("", address) for address in ADMINS]

# Plugins: names as in their entry points; unset means all, empty means none
ORDERLOOM_PLUGINS = environment.string_set(os.environ, "ORDERLOOM_PLUGINS")
ORDERLOOM_PLUGINS_DISABLED = (
    environment.string_set(os.environ, "ORDERLOOM_PLUGINS_DISABLED") or frozenset()
)
ORDERLOOM_PRICING_SHADOW = (
    environment.string_set(os.environ, "ORDERLOOM_PRICING_SHADOW") or frozenset()
)
ORDERLOOM_SAFE_MODE = env.bool("ORDERLOOM_SAFE_MODE", default=False)
ORDERLOOM_STRICT = env.bool("ORDERLOOM_STRICT", default=False)
ORDERLOOM_SANDBOX = env.bool("ORDERLOOM_SANDBOX", default=False)
ORDERLOOM_PLUGIN_THREADS = env.int("ORDERLOOM_PLUGIN_THREADS", default=8)
ORDERLOOM_SECRETS_KEY: list[str] = env.list("ORDERLOOM_SECRETS_KEY", default=[])
ORDERLOOM_PLUGIN_SETTINGS: dict[str, Any] = env.sections("ORDERLOOM_PLUGIN_SETTINGS")
ORDERLOOM_DISCOVERED = prove_apps(
    discover(allow=ORDERLOOM_PLUGINS, safe_mode=ORDERLOOM_SAFE_MODE, sandbox=ORDERLOOM_SANDBOX),
    folder=ORDERLOOM_DATA,
)

INSTALLED_APPS = [
    "core.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "ninja",  # without it, its documentation pages load scripts from a CDN
    "core.apps.OrderloomConfig",
    *ORDERLOOM_DISCOVERED.django_apps,
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.http.middleware.Doorway",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "core.project.urls"
WSGI_APPLICATION = "core.project.wsgi.application"
ASGI_APPLICATION = "core.project.asgi.application"

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

# What it talks to
DATABASES = {"default": environment.database(env, folder=ORDERLOOM_DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": environment.cache(env)}
BROKER_URL = env.str("BROKER_URL", default="")
CELERY_BROKER_URL = BROKER_URL

globals().update(environment.mail(env))  # EMAIL_…, or MAILERS from Django 6.1 on
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="shop@localhost")
SERVER_EMAIL = env.str("SERVER_EMAIL", default=DEFAULT_FROM_EMAIL)

# The shop
ORDERLOOM_CURRENCY = env.matching(
    "ORDERLOOM_CURRENCY", "[A-Z]{3}", "EUR", expected="three capital letters, such as EUR"
)
ORDERLOOM_PRICES_INCLUDE_TAX = env.bool("ORDERLOOM_PRICES_INCLUDE_TAX", default=True)
ORDERLOOM_TAX_ROUNDING = env.choice(
    "ORDERLOOM_TAX_ROUNDING", ("PER_LINE", "BY_SUM"), default="PER_LINE"
)
ORDERLOOM_STAFF_EMAILS: list[str] = env.list("ORDERLOOM_STAFF_EMAILS", default=[])
ORDERLOOM_PUBLIC_URL = env.site("ORDERLOOM_PUBLIC_URL", default="http://127.0.0.1:8000")
ORDERLOOM_ORDER_URL = env.str("ORDERLOOM_ORDER_URL", default="")

# Durations in seconds
ORDERLOOM_RESERVATION_SECONDS = env.float("ORDERLOOM_RESERVATION_SECONDS", default=900.0)
ORDERLOOM_ORDER_LINK_SECONDS = env.float("ORDERLOOM_ORDER_LINK_SECONDS", default=180 * 86_400.0)
ORDERLOOM_CALL_DEADLINE_SECONDS = env.float("ORDERLOOM_CALL_DEADLINE_SECONDS", default=30.0)
ORDERLOOM_CALL_GRACE_SECONDS = env.float("ORDERLOOM_CALL_GRACE_SECONDS", default=0.5)
ORDERLOOM_START_SECONDS = env.float("ORDERLOOM_START_SECONDS", default=15.0)
ORDERLOOM_COMMAND_SECONDS = env.float("ORDERLOOM_COMMAND_SECONDS", default=20.0)
ORDERLOOM_READ_SECONDS = env.float("ORDERLOOM_READ_SECONDS", default=10.0)
ORDERLOOM_DELIVER_SECONDS = env.float("ORDERLOOM_DELIVER_SECONDS", default=30.0)
ORDERLOOM_TELL_SECONDS = env.float("ORDERLOOM_TELL_SECONDS", default=10.0)
ORDERLOOM_WARM_SECONDS = env.float("ORDERLOOM_WARM_SECONDS", default=30.0)
ORDERLOOM_PREPARE_SECONDS = env.float("ORDERLOOM_PREPARE_SECONDS", default=0.1)
ORDERLOOM_PURE_SECONDS = env.float("ORDERLOOM_PURE_SECONDS", default=0.05)
ORDERLOOM_BREAKER_WINDOW_SECONDS = env.float("ORDERLOOM_BREAKER_WINDOW_SECONDS", default=60.0)
ORDERLOOM_BREAKER_WAIT_SECONDS = env.float("ORDERLOOM_BREAKER_WAIT_SECONDS", default=30.0)
ORDERLOOM_BREAKER_LONGEST_SECONDS = env.float("ORDERLOOM_BREAKER_LONGEST_SECONDS", default=600.0)
ORDERLOOM_QUARANTINE_SECONDS = env.float("ORDERLOOM_QUARANTINE_SECONDS", default=3_600.0)
ORDERLOOM_HANG_SECONDS = env.float("ORDERLOOM_HANG_SECONDS", default=30.0)
ORDERLOOM_IMPORT_SECONDS = env.float("ORDERLOOM_IMPORT_SECONDS", default=3.0)
ORDERLOOM_CALLS_KEPT_SECONDS = env.float("ORDERLOOM_CALLS_KEPT_SECONDS", default=30 * 86_400.0)
ORDERLOOM_LEASE_SECONDS = env.float("ORDERLOOM_LEASE_SECONDS", default=5.0)
ORDERLOOM_LOOK_UPS = env.numbers(
    "ORDERLOOM_LOOK_UPS", default=(5, 30, 120, 600, 3_600, 21_600, 86_400)
)
ORDERLOOM_WORKER_REPORT_SECONDS = env.float("ORDERLOOM_WORKER_REPORT_SECONDS", default=1.0)
ORDERLOOM_WAITING_LOOK_SECONDS = env.float("ORDERLOOM_WAITING_LOOK_SECONDS", default=600.0)
ORDERLOOM_HELD_LOOK_SECONDS = env.float("ORDERLOOM_HELD_LOOK_SECONDS", default=3_600.0)
ORDERLOOM_INBOX_KEPT_SECONDS = env.float("ORDERLOOM_INBOX_KEPT_SECONDS", default=30 * 86_400.0)
ORDERLOOM_DELIVERY_LEASE_SECONDS = env.float("ORDERLOOM_DELIVERY_LEASE_SECONDS", default=60.0)
ORDERLOOM_DELIVERY_RETRIES = env.numbers(
    "ORDERLOOM_DELIVERY_RETRIES", default=(5, 30, 120, 600, 3_600, 21_600)
)

# Languages and time
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", [code for code, _ in LANGUAGES], default="en")
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

# Static files: the hashed set where `collectstatic` has made one, else straight from the packages
STATIC_URL = "/static/"
STATIC_ROOT = environment.made(
    "STATIC_ROOT", Path(env.str("STATIC_ROOT", default=str(ORDERLOOM_DATA / "static")))
)
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").is_file()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Security
ORDERLOOM_HTTPS = env.bool("ORDERLOOM_HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = ORDERLOOM_HTTPS
SESSION_COOKIE_SECURE = ORDERLOOM_HTTPS
CSRF_COOKIE_SECURE = ORDERLOOM_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if ORDERLOOM_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ORDERLOOM_HTTPS
SECURE_HSTS_PRELOAD = ORDERLOOM_HTTPS
if env.bool("ORDERLOOM_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LOG_FORMAT = env.choice("LOG_FORMAT", logs.FORMATS, default="console" if DEBUG else "json")
LOGGING = logs.configure(
    style=LOG_FORMAT,
    level=env.choice("LOG_LEVEL", logs.LEVELS, default="INFO"),
)
