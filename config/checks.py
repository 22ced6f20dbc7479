"""Checks of the whole: wrong combinations of settings, and structure that code must keep."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from config import canary
from workspaces import blueprint


@register(Tags.admin)
def no_workspace_content_in_admin(**_: Any) -> list[CheckMessage]:
    """A model of a workspace's schema in the admin would show or change another workspace's rows."""
    tenant = set(settings.TENANT_APPS)
    return [
        Error(
            f"{model._meta.label} lies in a workspace's schema and must not be in the admin.",
            hint="Show it on a page under /staff/w/<slug>/ instead.",
            id="config.E001",
        )
        for model in admin.site._registry
        if model._meta.app_label in tenant
    ]


@register(Tags.security)
def production_has_its_secrets(**_: Any) -> list[CheckMessage]:
    """Say what production lacks."""
    found: list[CheckMessage] = []
    if settings.BACKROOM_ENV != "production":
        return found
    if not settings.WHATSAPP_APP_SECRET:
        found.append(
            Warning(
                "WHATSAPP_APP_SECRET is not set: only connections with their own app secret work.",
                id="config.W001",
            )
        )
    if settings.EMAIL_URL.startswith("consolemail"):
        found.append(
            Warning("EMAIL_URL is not set: sign-in codes go to the log.", id="config.W002")
        )
    if settings.SIMULATOR_URL:
        found.append(Error("SIMULATOR_URL is for development and tests.", id="config.E002"))
    if settings.LINKED_DEVICE_URL or settings.FAKE_WHATSAPP_URL:
        found.append(
            Error(
                "LINKED_DEVICE_URL and FAKE_WHATSAPP_URL are for development and tests.",
                id="config.E006",
            )
        )
    if settings.BRIDGE_SECRET and len(settings.BRIDGE_SECRET) < 16:
        found.append(Error("BRIDGE_SECRET has fewer than 16 characters.", id="config.E007"))
    if settings.AI_ECHO_SECONDS:
        found.append(Error("AI_ECHO_SECONDS is for measurements.", id="config.E005"))
    return found


@register(Tags.database)
def no_transaction_pooler(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Two statements of a session must meet the same backend, or schemas would mix."""
    if not databases:
        return []
    if canary.is_behind_pooler():
        return [Error(canary.SENTENCE, hint=canary.HINT, id="config.E003")]
    return []


@register(Tags.models)
def workspace_models_point_at_no_public_rows(**_: Any) -> list[CheckMessage]:
    """A foreign key across the schema wall would tie a workspace's tables to everybody's."""
    tenant = set(settings.TENANT_APPS)
    return [
        Error(f"{field} crosses the schema wall; keep the id in a plain column.", id="config.E004")
        for model in apps.get_models()
        if model._meta.app_label in tenant
        for field in model._meta.get_fields()
        if getattr(field, "many_to_one", False)
        and getattr(field, "related_model", None) is not None
        and field.related_model._meta.app_label not in tenant  # type: ignore[union-attr]
    ]


@register(Tags.models)
def workspace_migrations_fit_one_transaction(**_: Any) -> list[CheckMessage]:
    """A schema is migrated, and made, in one transaction; what does not fit is found here."""
    return [Error(sentence, id="config.E005") for sentence in blueprint.obstacles()]
