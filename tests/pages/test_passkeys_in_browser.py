"""A passkey in a real browser, with an authenticator that is played: made, used, removed."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Browser, Page, expect

from tests.pages.test_linking_in_browser import Aside, aside, browser, fits, url
from workspaces import scope
from workspaces.models import User

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.browser,
    pytest.mark.processes,
]
__all__ = ["aside", "browser", "url"]


@pytest.fixture
def person(aside: Aside) -> Iterator[User]:
    made = aside(_make)
    yield made
    aside(_remove, made)


def _make() -> User:
    with scope.system():
        user = User.objects.create_user(f"{secrets.token_hex(4)}@shop.example", "a-password-1")
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def _remove(user: User) -> None:
    with scope.owner():
        user.delete()


@pytest.fixture
def page(browser: Browser, url: str, settings: Any) -> Iterator[Page]:
    """A small telephone's browser that has a fingerprint reader."""
    settings.BASE_URL = _named(url)
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    line.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(8_000)
    yield page
    assert problems == []
    context.close()


def _named(url: str) -> str:
    """A passkey belongs to a host's name; a bare address has none."""
    return url.replace("127.0.0.1", "localhost")


def test_a_passkey_is_made_signs_in_by_itself_and_goes(page: Page, person: User, url: str) -> None:
    at = _named(url)
    by_password(page, at, person)
    expect(page.get_by_role("heading", name="You and your sign-in")).to_be_visible()
    fits(page)

    page.get_by_role("link", name="Add a passkey").click()
    page.locator("input[name=password]").fill("a-password-1")
    fits(page)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("What to call it").fill("My phone")
    fits(page)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    fits(page)
    recovery_code = page.locator("pre").inner_text().split()[0]
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("My phone")).to_be_visible()

    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto(f"{at}/accounts/login/?next=/account/security/")
    fits(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("My phone")).to_be_visible()
    expect(page.get_by_text("used ")).to_be_visible()
    fits(page)

    page.get_by_role("button", name="Sign out", exact=True).click()
    by_password(page, at, person)
    expect(page.get_by_role("heading", name="Show that it is you")).to_be_visible()
    fits(page)
    page.get_by_text("I do not have the device").click()
    page.get_by_label("Recovery code").fill("00000000")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Recovery code").fill(recovery_code)
    fits(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("My phone")).to_be_visible()

    page.get_by_role("link", name="Remove").click()
    page.locator("input[name=password]").fill("a-password-1")
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    expect(page.get_by_role("heading", name="You and your sign-in")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("My phone")).to_have_count(0)


def by_password(page: Page, at: str, person: User) -> None:
    page.goto(f"{at}/accounts/login/?next=/account/security/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_text("Use a password instead").click()
    page.locator("input[name=password]").fill("a-password-1")
    page.get_by_role("button", name="Sign in with the password").click()
