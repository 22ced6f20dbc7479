"""Make the demo workspace: a Lagos fabric shop on the pretend phone. For development."""

import os
from argparse import ArgumentParser
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings

from connections import manager
from connections.models import Connection
from faqs import importing
from faqs.models import Entry
from lib import clock, http
from workspaces import registry, schemas, scope
from workspaces.models import User
from workspaces.operating import Failed, OperatorCommand

EMAIL = "owner@demo.example"
SLUG = "adire-lace"
NUMBER_ID = "100200300400500"
ACCOUNT_ID = "500400300200100"
PHONE = "+2348031234567"


class Command(OperatorCommand):
    help = "Make the demo workspace (again without harm) and print how to get in. Development only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON (it always does)")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.BACKROOM_ENV == "production" or not settings.SIMULATOR_URL:
            raise Failed("The demo is for development and tests: it signs in with a known account.")
        now = clock.now()
        password = os.environ.get("DEMO_PASSWORD", "")
        with scope.system():
            user, _ = User.objects.get_or_create(email=EMAIL, defaults={"name": "Amaka"})
            if password and not user.check_password(password):
                user.set_password(password)
            user.is_staff = user.is_superuser = True
            user.save()
            EmailAddress.objects.get_or_create(
                user=user, email=EMAIL, defaults={"verified": True, "primary": True}
            )
        space = registry.by_slug(SLUG) or schemas.create(
            name="Adire & Lace Fabrics",
            slug=SLUG,
            country="NG",
            owner=user,
            actor_kind="command",
            now=now,
        )
        with scope.workspace(space):
            if not Entry.objects.exists():
                importing.add_template(trade="fabric_shop", user_id=user.pk, now=now)
            if not Connection.objects.exists():
                manager.add(
                    workspace=space,
                    provider="simulator",
                    phone=PHONE,
                    external_id=NUMBER_ID,
                    account_id=ACCOUNT_ID,
                    secrets={"access_token": "simulator", "app_secret": ""},
                    actor=None,
                    is_verified=True,
                    label="Pretend phone",
                    now=now,
                )
        self.print_json(
            {
                "sign_in_email": EMAIL,
                "workspace_slug": SLUG,
                "phone_url": f"{settings.SIMULATOR_URL}/",
                "registered": self._register(space.name),
            }
        )

    def _register(self, name: str) -> bool:
        """Make the number known to the simulator, if it is up already."""
        try:
            answer = http.call(
                "POST",
                f"{settings.SIMULATOR_URL}/control/numbers",
                json=demo_number(name),
                timeout_seconds=2,
            )
        except http.UnableToReach:
            return False
        return answer.ok


def demo_number(name: str) -> dict[str, object]:
    """Return what the simulator is told about the demo's number."""
    return {
        "phone_number_id": NUMBER_ID,
        "waba_id": ACCOUNT_ID,
        "display_phone_number": PHONE,
        "name": name,
        "app_secret": settings.WHATSAPP_APP_SECRET,
        "workspace_slug": SLUG,
    }
