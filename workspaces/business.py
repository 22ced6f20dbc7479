"""What a workspace says about its business: name, kind, city, country, time zone."""

import unicodedata
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from phonenumbers import SUPPORTED_REGIONS

from lib import zones
from workspaces import audit, registry, trades
from workspaces.models import User, Workspace


class UnableToChangeBusiness(Exception):
    """Nothing was changed; the message is a sentence for the person who tried."""


@dataclass(frozen=True)
class Facts:
    """What its owner may change."""

    name: str
    kind: str
    city: str
    country: str
    time_zone: str


def facts_of(workspace: Workspace) -> Facts:
    """Return what the workspace says now."""
    return Facts(
        workspace.name, workspace.kind, workspace.city, workspace.country, workspace.time_zone
    )


def change(*, workspace: Workspace, facts: Facts, actor: User, now: datetime) -> Facts:
    """Say something else; return what was said before. Raises UnableToChangeBusiness.

    Call in the workspace's scope. Other processes go by it within seconds (workspaces.registry).
    """
    _check(facts)
    rows = Workspace.objects.filter(pk=workspace.pk)
    with transaction.atomic():
        before = facts_of(rows.select_for_update(no_key=True).get())
        changed = [
            field for field, value in asdict(facts).items() if getattr(before, field) != value
        ]
        if changed:
            rows.update(**asdict(facts))
            audit.record(
                action="workspace.changed",
                workspace=workspace,
                actor=actor,
                target=", ".join(changed),
                now=now,
            )
    registry.forget()
    return before


def describe(*, workspace: Workspace, kind: str, city: str, actor: User, now: datetime) -> None:
    """Say what the business does, and where; all else stays as it is now, whoever changed it.

    Call in the workspace's scope. Raises UnableToChangeBusiness.
    """
    with transaction.atomic():
        rows = Workspace.objects.select_for_update(no_key=True)
        facts = replace(facts_of(rows.get(pk=workspace.pk)), kind=kind, city=city)
        change(workspace=workspace, facts=facts, actor=actor, now=now)


def _check(facts: Facts) -> None:
    for value, most, what in (
        (facts.name, 120, _("The name")),
        (facts.city, 80, _("The city")),
    ):
        if len(value) > most or any(unicodedata.category(c) == "Cc" for c in value):
            raise UnableToChangeBusiness(
                _("%(what)s has at most %(most)d characters, on one line.")
                % {"what": what, "most": most}
            )
    if not facts.name.strip():
        raise UnableToChangeBusiness(_("The business needs a name."))
    if facts.kind and facts.kind not in dict(trades.CHOICES):
        raise UnableToChangeBusiness(_("Choose one of the kinds of business, or none."))
    if facts.country not in SUPPORTED_REGIONS:
        raise UnableToChangeBusiness(_("Choose a country from the list."))
    if facts.time_zone not in zones.known():
        raise UnableToChangeBusiness(
            _("That is not a time zone we know. Choose one such as Africa/Lagos.")
        )
