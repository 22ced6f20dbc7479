"""What the business says about itself."""

import pytest
from django.test import Client

from tests.pages.conftest import HTMX
from workspaces import registry, scope
from workspaces.models import AuditEntry, Workspace

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/settings/business/"
FORM = {
    "name": "Mama Put Fabrics",
    "kind": "fashion",
    "city": "Kano",
    "country": "GH",
    "time_zone": "Africa/Accra",
}


def acme_now() -> Workspace:
    registry.forget()
    found = registry.by_slug("acme")
    assert found is not None
    return found


def test_managers_and_owners_open_it_and_nobody_else(
    owner: Client, agent: Client, viewer: Client, stranger: Client
) -> None:
    assert 'value="Acme Fabrics"' in owner.get(PAGE).text
    for client, status in ((agent, 403), (viewer, 403), (stranger, 404), (Client(), 302)):
        assert client.get(PAGE).status_code == status
        assert client.post(PAGE, FORM).status_code == status
    assert acme_now().name == "Acme Fabrics"


def test_everything_is_changed_noted_and_taken_back(acme: Workspace, owner: Client) -> None:
    page = owner.post(PAGE, FORM, follow=True).text

    assert "Saved." in page and "Undo" in page and 'value="Mama Put Fabrics"' in page
    changed = acme_now()
    assert (changed.kind, changed.city, changed.time_zone) == ("fashion", "Kano", "Africa/Accra")
    with scope.workspace(acme):
        entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.target) == (
        "workspace.changed",
        "name, kind, city, country, time_zone",
    )
    before = {"name": "Acme Fabrics", "kind": "", "city": "", "country": "NG", "time_zone": "Africa/Lagos"}  # fmt: skip
    owner.post(PAGE, before)
    assert acme_now().name == "Acme Fabrics" and acme_now().time_zone == "Africa/Lagos"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 121},
        {"name": "two\x00"},
        {"kind": "god"},
        {"city": "c" * 81},
        {"country": "XX"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
    ],
)
def test_what_cannot_be_is_refused_in_words(
    acme: Workspace, owner: Client, wrong: dict[str, str]
) -> None:
    answer = owner.post(PAGE, FORM | wrong, headers=HTMX)

    assert answer.status_code == 422 and "errorlist" in answer.text
    assert acme_now().name == "Acme Fabrics"


def test_a_city_finds_its_time_zone(owner: Client) -> None:
    page = owner.get(PAGE).text

    assert page.index("Africa/Lagos") < page.index("Africa/Abidjan")
    assert '<option value="Asia/Dubai">' in page
