"""What the pages for everybody say of the product: versions, times of keeping, where to write."""

from datetime import date
from typing import Any

from django.conf import settings

LEGAL_VERSION, LEGAL_CHANGED = "1.0", date(2026, 11, 29)
# For search engines; everything else asks them to stay out.
OPEN_PATHS = (
    "", "pricing/", "help/", "status/", "terms/", "privacy/", "data-processing/", "acceptable-use/",
)  # fmt: skip
_KEPT = (
    ("mailbox_payload", "Messages on their way in and out, as WhatsApp delivered them"),
    ("mailbox_keys", "That a message was delivered, to know repetitions (no words)"),
    ("trace", "Why the bot did what it did"),
    ("connection_events", "What happened to a number’s connection"),
    ("directory", "Where support finds a phone number, as a fingerprint"),
    ("ai_calls", "That a language model was asked, and what it cost"),
)


def law() -> dict[str, Any]:
    """Return what the legal pages are filled with; the times are those that the product keeps."""
    return {
        "version": LEGAL_VERSION,
        "changed": LEGAL_CHANGED,
        "kept": [(words, settings.RETENTION_DAYS[name]) for name, words in _KEPT],
        "uses_models": any(settings.AI_ROUTES.values()),
        "uses_reports": bool(settings.SENTRY_DSN),
        "support": settings.SUPPORT_EMAIL,
        "trial_days": settings.TRIAL_DAYS,
    }


def robots() -> str:
    """Return robots.txt."""
    allowed = "".join(f"Allow: /{path}$\n" for path in OPEN_PATHS)
    return (
        f"User-agent: *\n{allowed}Allow: /static/\nDisallow: /\n\n"
        f"Sitemap: {settings.BASE_URL}/sitemap.xml\n"
    )


def sitemap() -> str:
    """Return sitemap.xml."""
    places = "".join(f"<url><loc>{settings.BASE_URL}/{path}</loc></url>" for path in OPEN_PATHS)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>\n'
    )
