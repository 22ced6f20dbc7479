"""Every address as every person: owner, agent, stranger, staff and nobody, with GET and POST.

A new address is walked without being asked; what it may answer is said in the table below.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from connections import manager
from faqs.models import Entry, Import
from messaging.models import Contact, Conversation, Message
from tests.conftest import NOW
from workspaces import scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db

Walk = tuple[str, str]  # route, path filled for acme

SECRET_WORDS = ("acme-canary-question", "acme-canary-name", "acme-canary-text", "+2348039990001")


def routes(resolver: Any = None, prefix: str = "") -> Iterator[str]:
    """Yield every route of the project, admin left to its own test."""
    for item in (resolver or get_resolver()).url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            if "staff/admin" not in route:
                yield from routes(item, route)
        elif isinstance(item, URLPattern):
            yield route


def fill(route: str, slug: str, pk: int) -> str:
    """Return the path of a route for one workspace and one id."""
    path = "/" + re.sub(r"<int:\w+>", str(pk), route.replace("<slug:slug>", slug))
    for marker in ("^", "$", "\\Z"):
        path = path.replace(marker, "")
    return path


WORKSPACE_ROUTES = sorted(route for route in routes() if route.startswith("w/<slug:slug>/"))
STAFF_ROUTES = sorted(route for route in routes() if route.startswith("staff/"))


@pytest.fixture
def content(acme: Workspace) -> int:
    """Put one of each thing into acme, all with the same id; return it."""
    with scope.workspace(acme):
        entry = Entry.objects.create(
            pk=41,
            faq_id="canary",
            question="acme-canary-question",
            answer="a",
            created_at=NOW,
            updated_at=NOW,
        )
        number = manager.add(
            workspace=acme, provider="cloud_api", phone="+2348039990001", external_id="acme-number", account_id="1",
            secrets={"access_token": "t"}, actor=None, now=NOW, is_verified=True)  # fmt: skip
        contact = Contact.objects.create(
            name="acme-canary-name", phone="+2348061112222", created_at=NOW, last_seen_at=NOW
        )
        talk = Conversation.objects.create(
            pk=41,
            contact=contact,
            connection_id=number.pk,
            last_message_at=NOW,
            opened_at=NOW,
            last_inbound_at=NOW,
        )
        Message.objects.create(
            pk=41, conversation=talk, direction="in", author="contact", kind="text", text="acme-canary-text",
            provider_message_id="wamid.CANARY", status="received", provider_at=NOW, created_at=NOW,
        )  # fmt: skip
        Import.objects.create(pk=41, file_name="acme-canary-name.csv", rows=[], created_at=NOW)
        return int(entry.pk)


def test_the_walk_is_not_empty() -> None:
    assert len(WORKSPACE_ROUTES) > 30 and len(STAFF_ROUTES) > 3


@pytest.mark.parametrize("route", WORKSPACE_ROUTES)
def test_nobody_is_asked_to_sign_in_and_told_nothing(route: str, content: int) -> None:
    for slug in ("acme", "no-such-shop"):
        for method in ("get", "post"):
            answer = getattr(Client(), method)(fill(route, slug, content))
            assert answer.status_code == 302, (route, method)
            assert answer.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("route", WORKSPACE_ROUTES)
def test_a_stranger_gets_the_same_404_as_for_no_workspace(
    route: str, content: int, client_for: Callable[[User], Client], chidi: User, sam: User
) -> None:
    for person in (chidi, sam):
        client = client_for(person)
        for slug in ("acme", "no-such-shop"):
            for method in ("get", "post"):
                answer = getattr(client, method)(fill(route, slug, content))
                assert answer.status_code == 404, (route, method, person.email)
                assert not any(word in answer.content.decode() for word in SECRET_WORDS)


@pytest.mark.parametrize("route", WORKSPACE_ROUTES)
def test_a_members_own_workspace_never_shows_anothers_rows(
    route: str, content: int, client_for: Callable[[User], Client], chidi: User
) -> None:
    """Acme's ids under rival's address: not found, or a page without a word of acme's."""
    client = client_for(chidi)
    for path in (
        fill(route, "rival", content),
        fill(route, "rival", content) + "?id=wamid.CANARY",
        fill(route, "rival", content) + "?q=acme-canary",
    ):
        answer = client.get(path)
        assert answer.status_code < 500
        text = answer.content.decode(errors="replace")
        # The search words themselves may be shown back in the search box.
        found = [word for word in SECRET_WORDS if word in text]
        assert not found, (route, found)


@pytest.mark.parametrize("route", WORKSPACE_ROUTES)
def test_the_owner_gets_an_answer_everywhere(
    route: str, content: int, client_for: Callable[[User], Client], ada: User
) -> None:
    answer = client_for(ada).get(fill(route, "acme", content))

    assert answer.status_code in (200, 204, 302, 404, 405), route
    assert answer.status_code != 404 or "<int:" in route or "why" in route, route


@pytest.mark.parametrize("route", WORKSPACE_ROUTES)
def test_a_member_gets_a_page_or_is_told_that_the_role_is_too_small(
    route: str, content: int, client_for: Callable[[User], Client], bola: User
) -> None:
    client = client_for(bola)

    seen = client.get(fill(route, "acme", content))
    sent = client.post(fill(route, "acme", content))

    assert seen.status_code in (200, 204, 302, 403, 404, 405), route
    assert sent.status_code in (200, 204, 302, 403, 404, 405, 422), route


@pytest.mark.parametrize("route", WORKSPACE_ROUTES)
def test_a_get_changes_nothing(
    route: str, content: int, client_for: Callable[[User], Client], ada: User, acme: Workspace
) -> None:
    from django.apps import apps

    client = client_for(ada)
    # What no workspace may read, its pages cannot change either. Days that are over are summed
    # up by who looks first.
    ignored = {"django_session", "messaging_daysummary", *settings.DATABASE_HIDDEN_TABLES}

    def counts() -> dict[str, int]:
        with scope.workspace(acme):
            return {
                model._meta.db_table: model._default_manager.count()
                for model in apps.get_models()
                if model._meta.db_table not in ignored and model._meta.managed
            }

    before = counts()
    client.get(fill(route, "acme", content))

    assert counts() == before


@pytest.mark.parametrize("route", STAFF_ROUTES)
def test_staff_pages_are_for_staff(
    route: str, content: int, client_for: Callable[[User], Client], ada: User, sam: User
) -> None:
    path = fill(route, "acme", content)

    assert Client().get(path).status_code == 302
    assert client_for(ada).get(path).status_code == 404
    assert client_for(sam).get(path).status_code in (200, 404) if "why" in route else 200
    assert client_for(sam).post(path).status_code in (404, 405)


def test_an_agent_may_not_change_numbers_or_answers(
    content: int, client_for: Callable[[User], Client], bola: User
) -> None:
    client = client_for(bola)

    for path in ("/w/acme/connections/add/", "/w/acme/bot/switch/", "/w/acme/faqs/import/"):
        assert client.post(path).status_code == 403, path


def test_a_post_without_the_token_is_refused(
    client_for: Callable[[User], Client], ada: User
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    for route in WORKSPACE_ROUTES:
        answer = client.post(fill(route, "acme", 1))
        assert answer.status_code in (403, 405), route


def test_every_admin_page_of_a_public_table_opens_for_staff_only(
    content: int, client_for: Callable[[User], Client], ada: User, sam: User
) -> None:
    from django.contrib import admin

    client, stranger = client_for(sam), client_for(ada)
    for model in admin.site._registry:
        path = f"/staff/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if model._meta.app_label in ("auth", "account"):
            continue
        assert client.get(path).status_code == 200, path
        assert client.get(path + "?q=acme").status_code == 200, path
        assert client.get(path + "add/").status_code == 403, path
        assert stranger.get(path).status_code in (302, 403, 404), path
