"""Every address, every method, everybody: who may is let in, and nobody else; nor by another's ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from typing import Any, cast

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from ai import breaker
from lib import clock
from tests.pages import doors
from tests.pages.conftest import HTMX
from tests.pages.doors import Door
from tests.pages.furnished import ROLES, Furnished, furnish, session_of
from workspaces import registry, scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db
# Nobody listens there: what asks a vendor is told that it cannot be reached.
NOWHERE = "http://127.0.0.1:9"
# Where else the other addresses are tested, by how they begin.
ELSEWHERE = {
    "api/": "tests/connections/api",
    "accounts/": "the library's own tests, and tests/pages/test_security.py",
    "webhooks/": "tests/connections",
    "link/": "tests/pages/test_screens.py",
    "staff/admin/": "tests/test_everybody.py",
}
POLLS = ("messaging:conversation-live",)  # a page of their own would show nothing
PUBLIC = (
    "workspaces:workspace-list", "workspaces:terms-show", "workspaces:privacy-show",
    "workspaces:processing-show", "workspaces:acceptable-show", "workspaces:help-show",
    "workspaces:robots-show", "workspaces:sitemap-show", "pricing-show", "status-show",
    "healthz", "readyz",
)  # fmt: skip

METHODS = ("get", "post")
# That data was taken along is in the audit log; days that are over are summed up once.
_NOTED = ("public.workspaces_auditentry", ".messaging_daysummary")
# What comes to nothing may yet be counted: a step of the beginning, a version of all answers.
_COUNTED = ("public.workspaces_workspace", ".faqs_version")


@pytest.fixture(autouse=True)
def _everything_is_on(settings: Any) -> None:
    settings.BRIDGE_SECRET = "a-secret-of-the-engines"
    settings.FAKE_WHATSAPP_URL = settings.SIMULATOR_URL = settings.GRAPH_API_URL = NOWHERE
    settings.AI_API_KEY, settings.AI_ROUTES = "key", {"fast": "gpt-6-luna"}
    breaker.forget()


@pytest.fixture(scope="module")
def houses(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Furnished]]:
    """Furnish both workspaces once; each test of this file rolls back to here."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        from django.conf import settings

        patch.setattr(settings, "BRIDGE_SECRET", "a-secret-of-the-engines")
        with _taken_back():
            with scope.system():
                acme, rival = (Workspace.objects.get(slug=slug) for slug in ("acme", "rival"))
                ada, chidi, sam, nina = (
                    User.objects.get_or_create(email=email)[0]
                    for email in (
                        "ada@acme.example", "chidi@rival.example", "sam@backroom.example",
                        "nina@nowhere.example",
                    )
                )  # fmt: skip
            now = clock.now()
            found = {
                "acme": furnish(acme, ada, word="quetzal", first_id=7_001, now=now),
                "rival": furnish(rival, chidi, word="marmot", first_id=9_001, now=now),
            }
            found["acme"].sessions.update(
                person=_everywhere(nina), staff=session_of(sam), stranger=session_of(chidi)
            )
            for house in found.values():
                house.state.update(state_of(house))
            yield found


def _everywhere(user: User) -> str:
    """Sign somebody in here, and on another device."""
    UserSession.objects.create(user=user, session_key=session_of(user), ip="192.0.2.1")
    return session_of(user)


@pytest.fixture
def acme_house(houses: dict[str, Furnished], db: None) -> Furnished:
    return houses["acme"]


@pytest.fixture
def rival_house(houses: dict[str, Furnished], db: None) -> Furnished:
    return houses["rival"]


@contextmanager
def _taken_back() -> Iterator[None]:
    """Do something, and have it never been."""
    with transaction.atomic():
        # As Django's own tests do: what must not be inside a transaction may be inside this one.
        cast(Any, connection.atomic_blocks[-1])._from_testcase = True
        yield
        transaction.set_rollback(True)
    registry.forget()


def send(
    client: Client, method: str, at: str, fields: dict[str, str], *, htmx: bool = False
) -> HttpResponseBase:
    """Ask for a page, or send a form."""
    headers = HTMX if htmx else {}
    if method == "get":
        return client.get(at, fields, headers=headers)
    return client.post(at, fields, headers=headers)


def knock(
    house: Furnished, who: str, method: str, door: Door, *, htmx: bool = False
) -> HttpResponseBase:
    """Come to a door of a house as somebody, with what belongs there."""
    client = Client() if who == doors.ANYBODY else house.client(who)
    at, fields = address(door, house.things), door.fields(method, house.things)
    return send(client, method, at, fields, htmx=htmx)


def address(door: Door, things: dict[str, str]) -> str:
    return reverse(door.name, kwargs=door.arguments(things))


def content(response: HttpResponseBase) -> str:
    """Return all that an answer says: its lines, its cookies and what is in it."""
    pieces = response if response.streaming else [response.content]  # type: ignore[attr-defined]
    body = b"".join(pieces).decode("utf-8", "replace")
    return "\n".join([*map(str, response.items()), str(response.cookies), body])


def each(of: tuple[Door, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("door", of, ids=str)


# --- What is there ------------------------------------------------------------------------------

_TABLES = """
SELECT format('%%I.%%I', n.nspname, c.relname), n.nspname = 'public', EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('public', %s) ORDER BY 1
"""


@cache
def _question(workspace_id: int, schema: str) -> str:
    """Return what asks for a digest of every table."""
    which = {
        "public.workspaces_workspace": f"id = {workspace_id}",
        "public.workspaces_user": "true",
        "public.usersessions_usersession": "true",
    }
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [schema])
        for table, is_public, is_of_workspaces in cursor.fetchall():
            if not is_public:
                which[table] = "true"
            elif is_of_workspaces:
                which[table] = f"workspace_id = {workspace_id}"
    return " UNION ALL ".join(
        f"SELECT '{table}', md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t"
        f" WHERE {condition}"
        for table, condition in which.items()
    )


def state_of(house: Furnished) -> dict[str, str]:
    """Return a digest of every table, as far as it is the workspace's; people are everybody's."""
    space = house.space
    with scope.owner(space.schema_name), connection.cursor() as cursor:
        cursor.execute(_question(space.pk, space.schema_name))
        return dict(cursor.fetchall())


def changed(house: Furnished) -> set[str]:
    """Return the tables in which anything of the workspace is not as it was furnished."""
    now = state_of(house)
    return {table for table, digest in house.state.items() if now[table] != digest}


def _addresses(
    patterns: list[URLPattern | URLResolver], start: str = "", spaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    for one in patterns:
        at = f"{start}{one.pattern}"
        if isinstance(one, URLPattern):
            yield ":".join([*spaces, one.name or ""]), at
        else:
            inner = (*spaces, one.namespace) if one.namespace else spaces
            yield from _addresses(one.url_patterns, at, inner)


def test_the_table_holds_every_address_once_and_no_other() -> None:
    names = [door.name for door in doors.EVERY]
    there = {
        name
        for name, at in _addresses(get_resolver().url_patterns)
        if not at.startswith(tuple(ELSEWHERE))
    }

    assert len(names) == len(set(names))
    assert there - set(names) - set(PUBLIC) == set(), (
        "a new address needs a line in tests.pages.doors"
    )
    assert {*names, *PUBLIC} - there == set(), "a line without an address"


# --- Who --------------------------------------------------------------------------------------


@each(doors.EVERY)
def test_who_has_not_signed_in_is_asked_to(door: Door, acme_house: Furnished) -> None:
    for method, role in door.methods.items():
        if role == doors.ANYBODY:
            continue
        plain = knock(acme_house, doors.ANYBODY, method, door)
        part = knock(acme_house, doors.ANYBODY, method, door, htmx=True)

        assert plain.status_code == 302, method
        assert plain.headers["Location"].startswith("/accounts/login/?next="), method
        # htmx would lay the page for signing in into the middle of another one.
        assert (part.status_code, part.headers.get("HX-Refresh")) == (204, "true"), method
    assert changed(acme_house) == set()


@each(doors.INSIDE)
def test_a_stranger_finds_nothing(door: Door, acme_house: Furnished) -> None:
    ways = [*product(("stranger",), METHODS, (False, True))]
    ways += [(who, method, False) for who in ("person", "staff") for method in door.methods]
    for who, method, htmx in ways:
        answer = knock(acme_house, who, method, door, htmx=htmx)

        assert answer.status_code == 404, (who, method, htmx)
        assert acme_house.word not in content(answer)
    assert changed(acme_house) == set()


def _below(door: Door, role: str) -> list[str]:
    """Return who may less than a role, and must be refused."""
    if role in (doors.ANYBODY, doors.PERSON):
        return []
    if role == doors.STAFF:
        return [*ROLES, "stranger", "person"]
    strangers = ["stranger", "person", "staff"] if door.hides else []
    return [*ROLES[: ROLES.index(role)], *strangers]


@each(doors.EVERY)
def test_who_may_less_is_refused(door: Door, acme_house: Furnished) -> None:
    for method, role in door.methods.items():
        for who, htmx in product(_below(door, role), (False, True)):
            answer = knock(acme_house, who, method, door, htmx=htmx)

            assert answer.status_code == (404 if door.hides else 403), (who, method, htmx)
            if door.hides:
                assert acme_house.word not in content(answer)
    assert changed(acme_house) == set()


@each(tuple(door for door in doors.EVERY if door.look))
def test_the_least_role_may_look_and_looking_changes_nothing(
    door: Door, acme_house: Furnished
) -> None:
    whole = knock(acme_house, door.look, "get", door)
    part = knock(acme_house, door.look, "get", door, htmx=True)

    assert whole.status_code in (200, 302) and part.status_code in (200, 204)
    if whole.status_code == 200 and door.name not in POLLS:
        is_page = "text/html" in whole.headers["Content-Type"]
        assert ("<html" in content(whole)) is is_page
    if door.has_part:
        assert "<html" not in content(part)
    assert not {table for table in changed(acme_house) if not table.endswith(_NOTED)}


@each(tuple(door for door in doors.EVERY if door.act))
def test_the_least_role_may_act(door: Door, acme_house: Furnished) -> None:
    with _taken_back():
        plain = knock(acme_house, door.act, "post", door)
        is_done = changed(acme_house) != set()
    with _taken_back():
        part = knock(acme_house, door.act, "post", door, htmx=True)
    at = address(door, acme_house.things)
    empty = send(acme_house.client(door.act), "post", at, {})

    assert plain.status_code in (200, 204, 302, 422) and part.status_code in (200, 204, 422)
    # What is sent here does something: so it would if the other tests' were let through.
    assert is_done is not door.is_idle
    refused = {404} if door.naming("post") else set()
    assert empty.status_code in {200, 204, 302, 422} | refused


@each(doors.EVERY)
def test_other_methods_are_refused(door: Door, acme_house: Furnished) -> None:
    at = address(door, acme_house.things)
    client = acme_house.client("staff" if door.look == doors.STAFF else "owner")

    for method in {*METHODS, "put", "patch", "delete"} - set(door.methods):
        for headers in ({}, HTMX) if method in METHODS else ({},):
            assert getattr(client, method)(at, headers=headers).status_code == 405, method
    assert changed(acme_house) == set()


@each(tuple(door for door in doors.EVERY if door.act))
def test_nothing_is_done_without_the_pages_token(door: Door, acme_house: Furnished) -> None:
    at, fields = address(door, acme_house.things), door.fields("post", acme_house.things)

    for headers in ({}, HTMX, {"x-csrftoken": "a" * 32}):
        client = acme_house.client("owner", checks_token=True)
        assert client.post(at, fields, headers=headers).status_code == 403
    assert changed(acme_house) == set()


# --- Ids of others ------------------------------------------------------------------------------

# An id that nothing has, the largest that there can be, and one that no database takes.
STRANGE = ("0", "9223372036854775807", "9" * 30)


@each(tuple(door for door in doors.INSIDE if set(door.at) - {"slug"}))
def test_an_id_of_another_workspace_is_the_id_of_nothing(
    door: Door, acme_house: Furnished, rival_house: Furnished
) -> None:
    others, own = door.arguments(acme_house.things), door.arguments(rival_house.things)
    named = [others, *(dict.fromkeys(others, one) for one in STRANGE)]
    if "change" in others:
        named.append(own | {"change": others["change"]})

    for arguments, method, htmx in product(named, door.methods, (False, True)):
        at = reverse(door.name, kwargs=arguments | {"slug": "rival"})
        fields = door.fields(method, acme_house.things)
        answer = send(rival_house.client("owner"), method, at, fields, htmx=htmx)

        if not (door.forgives and answer.status_code in (200, 302)):
            assert answer.status_code == 404, (method, htmx, arguments)
        assert acme_house.word not in content(answer)
    assert changed(acme_house) | changed(rival_house) == set()


@each(tuple(door for door in doors.INSIDE if door.naming("get") | door.naming("post")))
def test_an_id_of_another_workspace_in_a_form_is_refused_or_left_out(
    door: Door, acme_house: Furnished, rival_house: Furnished
) -> None:
    at, client = address(door, rival_house.things), rival_house.client("owner")

    for method in door.methods:
        fields = door.fields(method, acme_house.things)
        if not (named := door.naming(method)):
            continue
        for one in (None, *STRANGE, "-1", "1\x00", "٣", "x" * 5_000):
            sent = fields if one is None else fields | dict.fromkeys(named, one)
            answer = send(client, method, at, sent, htmx=one is None)

            assert answer.status_code in (200, 204, 302, 404, 422), (method, sent)
            assert acme_house.word not in content(answer)
    assert changed(acme_house) == set()
    assert not {table for table in changed(rival_house) if not table.endswith(_COUNTED)}
