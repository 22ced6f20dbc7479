"""Support's pages: search, queues, and one workspace read-only."""

import pytest
from django.test import Client
from django.utils import timezone

from connections import directory
from connections.models import InboundEvent
from lib import clock
from tests.pages.conftest import Shop
from workspaces import scope
from workspaces.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_a_phone_number_in_any_form_leads_to_the_workspace(
    shop: Shop, support: Client, owner: Client
) -> None:
    with scope.workspace(shop.space):
        directory.remember(
            workspace=shop.space,
            contacts=[("+2348061112222", shop.talk.contact_id)],
            now=clock.now(),
        )

    page = support.get("/staff/?q=0806 111 2222").text

    assert f"/staff/w/acme/?contact={shop.talk.contact_id}" in page
    assert "No workspace knows" in support.get("/staff/?q=0806 111 2223").text
    assert owner.get("/staff/").status_code == 404


def test_a_message_id_leads_to_its_account(shop: Shop, support: Client) -> None:
    now = clock.now()
    with scope.system():
        InboundEvent.objects.create(
            workspace=shop.space, provider="cloud_api", kind="message", key="k1", subject="wamid.IN1",
            state="dead", received_at=now, due_at=now,
        )  # fmt: skip
        InboundEvent.objects.create(
            provider="cloud_api",
            kind="message",
            key="k2",
            state="unrouted",
            received_at=now,
            due_at=now,
        )

    page = support.get("/staff/?q=wamid.IN1").text

    assert "/staff/w/acme/why/?id=wamid.IN1" in page
    assert "state__exact=dead" in page and "state__exact=unrouted" in page
    assert "dead letters" in support.get("/staff/w/acme/").text


def test_names_narrow_the_list(shop: Shop, support: Client) -> None:
    page = support.get("/staff/?q=rival").text

    listed = page.split("<h2>Workspaces</h2>")[1]
    assert "Rival Lace" in listed and "Acme Fabrics" not in listed
    assert "No workspace has this name" in support.get("/staff/?q=nobody-at-all").text


def test_a_look_shows_the_owners_pages_and_is_recorded(shop: Shop, support: Client) -> None:
    home = support.get("/staff/w/acme/").text
    talk = support.get(f"/staff/w/acme/conversations/{shop.talk.pk}/").text
    why = support.get("/staff/w/acme/why/?id=wamid.IN1").text

    assert "read-only" in home and "Ngozi" in home
    assert "&lt;script&gt;" in talk and "<textarea" not in talk and "/staff/w/acme/why/" in talk
    assert "Your answer “How much is delivery?” fits." in why and "/w/acme/faqs/" not in why
    with scope.system():
        assert AuditEntry.objects.filter(action="staff.looked", workspace=shop.space).count() == 3
    assert support.get("/staff/w/rival/why/?id=wamid.IN1").status_code == 404
    assert support.get("/w/acme/").status_code == 404


def test_one_contacts_conversations_can_be_looked_at(shop: Shop, support: Client) -> None:
    found = support.get(f"/staff/w/acme/?contact={shop.talk.contact_id}").text
    other = support.get("/staff/w/acme/?contact=999").text

    assert "Ngozi" in found and "Ngozi" not in other


def test_the_style_guide_shows_every_part(support: Client, owner: Client) -> None:
    page = support.get("/staff/styleguide/").text

    for part in (
        "button main",
        "chip",
        "timeline",
        "bubble out bot",
        "switch",
        "toast",
        "checklist",
    ):
        assert f'class="{part}' in page, part
    assert owner.get("/staff/styleguide/").status_code == 404


def test_times_are_the_workspaces_own(shop: Shop, support: Client) -> None:
    page = support.get(f"/staff/w/acme/conversations/{shop.talk.pk}/").text

    lagos = shop.asked.provider_at.astimezone(timezone.get_fixed_timezone(60))
    assert f"{lagos:%H:%M}</time>" in page
