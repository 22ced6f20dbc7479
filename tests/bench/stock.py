"""Workspaces by the dozen, each with its number and its answers, made in one go."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import simulated
from tests.hosts import SECRET, Host
from tests.house import ROOT

SHOP = ROOT / "faqs" / "templates_data" / "fabric_shop.csv"


@dataclass(frozen=True)
class Space:
    """A workspace of a measurement."""

    pk: int
    schema: str
    slug: str
    number: str  # the provider's id of its number


def make(
    host: Host,
    slugs: Sequence[str],
    *,
    faqs: Path = SHOP,
    uses_ai: bool = False,
    per_second: int = 0,
) -> list[Space]:
    """Make workspaces with a number each, known to the simulator too, and import the answers.

    `per_second` grants the numbers a higher throughput, where numbers have one.
    """
    facts = {"slugs": list(slugs), "faqs": str(faqs), "uses_ai": uses_ai, "per_second": per_second}
    made: list[dict[str, Any]] = host.script(_MAKE.replace("FACTS", repr(json.dumps(facts))))
    spaces = [Space(**row) for row in made]
    simulated.register(
        host.simulator_url,
        numbers=[
            {
                "phone_number_id": space.number,
                "waba_id": f"waba{space.number}",
                "display_phone_number": _phone(space.number),
                "app_secret": SECRET,
                "access_token": "token",
                "callback_url": f"{host.edge_url}/webhooks/whatsapp/",
                "workspace_slug": space.slug,
            }
            for space in spaces
        ],
    )
    return spaces


def _phone(number: str) -> str:
    return f"+234803{int(number) % 10_000_000:07d}"


_MAKE = """
import contextlib
import json
from pathlib import Path
from connections import manager
from connections.models import Connection
from django.db import transaction
from faqs import importing, learning, readers
from faqs.engine.features import UnableToEncode
from lib import clock
from messaging.models import BotSettings
from workspaces import schemas, scope
from workspaces.models import User
facts = json.loads(FACTS)
now = clock.now()
with scope.system():
    owner = User.objects.filter(email="owner@bench.example").first()
    owner = owner or User.objects.create_user("owner@bench.example", "bench-password-1", name="Owner")
    begin = 10000 + Connection.every.count()
made = []
for n, slug in enumerate(facts["slugs"], start=begin):
    space = schemas.create(name=slug, slug=slug, country="NG", owner=owner, now=now)
    table = readers.read(Path(facts["faqs"]).read_bytes())
    with scope.workspace(space):
        with transaction.atomic():
            file = importing.preview(rows=table.rows, file_name="faqs.csv", user_id=None, now=now, notes=table.notes)
        importing.confirm(import_id=file.pk, now=now)
        with contextlib.suppress(UnableToEncode):
            learning.train(workspace=space, now=now)
        number = manager.add(
            workspace=space, provider="cloud_api", phone=f"+234803{n:07d}", external_id=str(n),
            account_id=f"waba{n}", secrets={"access_token": "token"}, actor=None, now=now, is_verified=True,
        )
        if facts["per_second"] and any(f.name == "rate_per_second" for f in Connection._meta.fields):
            Connection.objects.filter(pk=number.pk).update(rate_per_second=facts["per_second"])
        if facts["uses_ai"]:
            BotSettings.objects.update_or_create(id=1, defaults={"uses_ai": True})
    made.append({"pk": space.pk, "schema": space.schema_name, "slug": slug, "number": str(n)})
print(json.dumps(made))
"""
