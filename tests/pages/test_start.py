"""The start page, setting up a business, and signing in."""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from tests.pages.conftest import HTMX
from workspaces import scope
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db
ABOUT = {
    "kind": "fashion",
    "city": "Accra",
    "hours": "mon-sat",
    "tone": "warm",
    "language": "english",
}


@pytest.fixture
def newcomer(client_for: Callable[[User], Client]) -> Client:
    with scope.system():
        return client_for(User.objects.create_user("new@shop.example"))


def test_a_visitor_sees_what_it_is_and_where_to_sign_in(client: Client) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert "/accounts/login/" in page.text and "/accounts/signup/" in page.text


def test_a_member_of_one_business_is_taken_to_it(
    client_for: Callable[[User], Client], ada: User
) -> None:
    assert client_for(ada).get("/").headers["Location"] == "/w/acme/"


def test_somebody_without_a_business_sets_one_up(newcomer: Client) -> None:
    assert newcomer.get("/").headers["Location"] == "/workspaces/new/"
    assert "Nigeria" in newcomer.get("/workspaces/new/").text

    form = {"name": "Mama Put & Daughters", "slug": "", "country": "GH", **ABOUT}
    done = newcomer.post("/workspaces/new/", form)

    assert done.headers["Location"] == "/w/mama-put-daughters/connections/connect/"
    with scope.system():
        space = Workspace.objects.get(slug="mama-put-daughters")
    assert (space.country, space.time_zone) == ("GH", "Africa/Accra")
    assert (space.kind, space.city) == ("fashion", "Accra")
    home = newcomer.get("/w/mama-put-daughters/")
    assert "Finish setting up · 1 of 5" in home.text


def test_a_taken_address_is_said_beside_the_form(newcomer: Client) -> None:
    form = {"name": "Acme", "slug": "acme", "country": "NG", **ABOUT}

    page = newcomer.post("/workspaces/new/", form)
    part = newcomer.post("/workspaces/new/", form, headers=HTMX)

    assert page.status_code == part.status_code == 422
    assert "taken" in page.text and "<html" in page.text
    assert "taken" in part.text and "<html" not in part.text


def test_an_address_is_suggested_until_one_is_typed(newcomer: Client) -> None:
    suggested = newcomer.get("/workspaces/suggest/?name=Acme", headers=HTMX)
    typed = newcomer.get("/workspaces/suggest/?name=Acme&slug=mine", headers=HTMX)

    assert 'value="acme-2"' in suggested.text
    assert typed.status_code == 204


def test_a_code_by_mail_signs_in(client: Client, ada: User) -> None:
    page = client.get("/accounts/login/").text
    assert page.index("Send me a code") < page.index("Use a password instead")

    asked = client.post("/accounts/login/", {"login": ada.email})
    code = re.findall(r"^\d{6}$", str(mail.outbox[-1].body), re.M)[0]
    done = client.post(asked.headers["Location"], {"code": code})

    assert mail.outbox[-1].subject == "Your code for Backroom"
    assert done.headers["Location"] == "/"
    assert client.get("/w/acme/").status_code == 200


def test_a_wrong_code_is_said(client: Client, ada: User) -> None:
    asked = client.post("/accounts/login/", {"login": ada.email})

    page = client.post(asked.headers["Location"], {"code": "000000"})

    assert "Incorrect code" in page.text


def test_a_password_signs_in_as_well(client: Client, ada: User) -> None:
    wrong = client.post("/accounts/login/", {"login": ada.email, "password": "nonsense-1"})
    right = client.post("/accounts/login/", {"login": ada.email, "password": "ada-password-1"})

    assert wrong.status_code == 200 and "errorlist" in wrong.text
    assert right.headers["Location"] == "/"


def test_signing_up_takes_an_address_and_a_code(client: Client) -> None:
    client.post("/accounts/signup/", {"email": "Fresh@Shop.example"})
    code = re.findall(r"^\d{6}$", str(mail.outbox[-1].body), re.M)[0]
    client.post("/accounts/confirm-email/", {"code": code})

    assert client.get("/").headers["Location"] == "/workspaces/new/"


@pytest.mark.parametrize(
    ("url", "is_told"), [("consolemail://", True), ("smtp://mail.shop.example", False)]
)
def test_where_no_mail_leaves_the_page_says_where_the_code_is(
    client: Client, settings: Settings, url: str, is_told: bool
) -> None:
    settings.EMAIL_URL = url
    page = client.post("/accounts/signup/", {"email": f"{is_told}@shop.example"}, follow=True)

    assert page.status_code == 200 and "Type the code" in page.text
    assert ("web.log" in page.text) is is_told


def test_error_pages_carry_a_code_for_support(client: Client) -> None:
    page = client.get("/nothing/here/")

    assert page.status_code == 404
    assert page.headers["X-Correlation-Id"] in page.text


def test_the_house_says_that_it_is_alive(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.json() == {"status": "ok"} and not answer.cookies


def test_our_own_mistake_has_a_page_that_needs_nothing(
    client_for: Callable[[User], Client], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("messaging.figures.home", fail)
    client = client_for(ada)
    client.raise_request_exception = False

    page = client.get("/w/acme/")

    assert page.status_code == 500 and "on our side" in page.text
    assert page.headers["X-Correlation-Id"] in page.text


def test_what_helps_next_is_offered_put_away_and_brought_back(
    newcomer: Client, client_for: Callable[[User], Client], chidi: User
) -> None:
    form = {"name": "Mama Put", "slug": "", "country": "GH", **ABOUT}
    base = newcomer.post("/workspaces/new/", form).headers["Location"].split("connections")[0]

    home = newcomer.get(base).text
    assert 'href="/w/mama-put/settings/team/"' in home
    assert home.count('<li class="done">') == 1
    newcomer.get(f"{base}share/")
    newcomer.get(f"{base}usage/")
    assert newcomer.get(base).text.count('<li class="done">') == 3

    hidden = newcomer.post(f"{base}setup/hide/", follow=True).text
    assert "Finish setting up" not in hidden and 'name="is_hidden" value="no"' in hidden
    assert "The list of first steps" in newcomer.get(f"{base}settings/").text
    back = newcomer.post(f"{base}setup/hide/", {"is_hidden": "no"}, follow=True).text
    assert "Finish setting up" in back
    assert client_for(chidi).post(f"{base}setup/hide/").status_code == 404


def test_going_live_claims_no_more_than_there_is(newcomer: Client) -> None:
    form = {"name": "Mama Put", "slug": "", "country": "GH", **ABOUT}
    base = newcomer.post("/workspaces/new/", form).headers["Location"].split("connections")[0]

    live = newcomer.post(f"{base}setup/live/", {"who": "everyone"}, follow=True).text

    assert "Your bot is on" in live and "Your bot is live" not in live
    assert "as soon as a number is connected" in live


def test_saying_what_one_does_leaves_alone_what_somebody_else_changed(
    newcomer: Client, ada: User
) -> None:
    newcomer.post(
        "/workspaces/new/", {"name": "Mama Put", "slug": "mama", "country": "NG", **ABOUT}
    )
    newcomer.get("/w/mama/setup/business/")  # this process remembers the name for some seconds
    with scope.system():
        Workspace.objects.filter(slug="mama").update(name="Mama Put & Daughters")

    done = newcomer.post("/w/mama/setup/business/", {**ABOUT, "kind": "food", "city": "Ikeja"})

    assert done.status_code == 302
    with scope.system():
        space = Workspace.objects.get(slug="mama")
    assert (space.name, space.kind, space.city) == ("Mama Put & Daughters", "food", "Ikeja")
