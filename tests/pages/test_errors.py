"""Error pages: what happened, what to do, a code; and a sentence where only a fragment was asked for."""

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from django.test import Client, RequestFactory

from config import errors
from lib import events
from tests.pages.conftest import HTMX, Shop
from workspaces.models import User

pytestmark = pytest.mark.django_db
PAGES: list[tuple[Callable[..., object], int, str]] = [
    (errors.bad_request, 400, "did not make sense"),
    (errors.forbidden, 403, "Not yours to do"),
    (errors.too_old, 403, "open too long"),
    (errors.not_found, 404, "No such page"),
    (errors.broken, 500, "Something broke on our side"),
]


@pytest.mark.parametrize(("page", "status", "words"), PAGES)
def test_each_says_what_happened_and_a_code_and_asks_no_database(
    page: Callable[..., object], status: int, words: str, django_assert_num_queries: object
) -> None:
    with events.correlated("code-of-this-page"), django_assert_num_queries(0):  # type: ignore[operator]
        answer = page(RequestFactory().get("/x/"))

    text = answer.content.decode()  # type: ignore[attr-defined]
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert words in text and "<code>code-of-this-page</code>" in text
    assert 'href="/status/"' in text and 'href="/help/#contact"' in text
    assert "<script" not in text and "noindex" in text


def test_a_stale_form_is_explained_to_a_page_and_to_htmx(shop: Shop, ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    whole = client.post("/w/acme/bot/switch/", {"is_on": "off"})
    part = client.post("/w/acme/bot/switch/", {"is_on": "off"}, headers=HTMX)

    assert whole.status_code == part.status_code == 403
    assert "This page was open too long" in whole.text
    said = unquote(part.headers["X-Say"])
    assert said.startswith("This page was open too long.")
    assert said.endswith(part.headers["X-Correlation-Id"])
    assert "X-Say" not in whole.headers


def test_what_is_gone_is_said_to_htmx_with_its_code(shop: Shop, owner: Client) -> None:
    answer = owner.get("/w/acme/conversations/987654/", headers=HTMX)

    assert answer.status_code == 404
    assert answer.headers["X-Correlation-Id"] in unquote(answer.headers["X-Say"])


def test_a_role_that_is_too_small_is_named(shop: Shop, agent: Client) -> None:
    answer = agent.get("/w/acme/exports/")

    assert answer.status_code == 403 and "at least “manager”" in answer.text
    assert answer.headers["X-Correlation-Id"] in answer.text
