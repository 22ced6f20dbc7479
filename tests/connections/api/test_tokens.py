"""Which tokens open the API, and which do not: signature, row, workspace and person all count."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from lib import clock
from tests.connections.api.conftest import Program, token_of
from workspaces import members, schemas, scope, states, tokens
from workspaces.models import ApiToken, AuditEntry, Member, User, Workspace

pytestmark = pytest.mark.django_db


def answer(token: str) -> tuple[int, str]:
    """Return status and code of what the token is answered."""
    found = Program(token).get("whatsapp/status")
    if found.status_code == 200:
        return 200, ""
    error = found.json()["error"]
    assert set(error) == {"code", "message"} and error["message"].endswith(".")
    assert found.headers["WWW-Authenticate"] == 'Bearer realm="Backroom"'
    return found.status_code, error["code"]


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    parts = [json.dumps(part).encode() for part in (header, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, signature])


def test_a_token_says_whose_it_is_and_until_when(acme: Workspace, bola: User) -> None:
    now = clock.now()
    claims = claims_of(token_of(acme, bola.email, days=30, now=now))

    assert (claims["workspace"], claims["user"]) == (acme.pk, bola.pk)
    assert claims["scopes"] == ["read", "write"]
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600
    with scope.system():
        assert ApiToken.objects.get(jti=claims["jti"]).workspace_id == acme.pk
    assert claims_of(token_of(acme))["user"] is None


def test_a_token_opens_the_api_and_its_use_is_noted_once_a_minute(acme: Workspace) -> None:
    token = token_of(acme)
    assert answer(token) == (200, "")
    with scope.system():
        row = ApiToken.objects.get(jti=claims_of(token)["jti"])
    assert row.last_used_at is not None

    def note(seconds: int) -> bool:
        with scope.system():
            before = clock.now() - timedelta(seconds=seconds)
            ApiToken.objects.filter(pk=row.pk).update(last_used_at=before)
            tokens.authenticate(token, now=clock.now())
            return bool(ApiToken.objects.get(pk=row.pk).last_used_at != before)

    assert (note(50), note(70)) == (False, True)


def test_nothing_but_a_bearer_token_opens_it(
    acme: Workspace, ada: User, client_for: Callable[[User], Client]
) -> None:
    token = token_of(acme)
    client = client_for(ada)

    for header in ("", token, f"Basic {token}", "Bearer", "Bearer  "):
        found = client.get("/api/whatsapp/status", headers={"Authorization": header})
        assert (found.status_code, found.json()["error"]["code"]) == (401, "token_missing"), header
    for header in (f"bearer {token}", f"Bearer {token}"):
        found = client.get("/api/whatsapp/status", headers={"Authorization": header})
        assert found.status_code == 200, header


def test_a_forged_token_is_refused(acme: Workspace, rival: Workspace, settings: Any) -> None:
    token = token_of(acme)
    claims = claims_of(token)
    key = tokens._key(settings.SECRET_KEY)
    head, body, signature = token.split(".")
    of_rival = unsigned({"alg": "HS256"}, claims | {"workspace": rival.pk}).split(".")[1]

    for forged in (
        unsigned({"alg": "none", "typ": "JWT"}, claims),
        unsigned({"alg": "None"}, claims, signature),
        unsigned({"alg": "HS256"}, claims),
        unsigned({"alg": ["HS256"]}, claims, signature),
        unsigned({"typ": "JWT"}, claims, signature),
        jwt.encode(claims, key * 2, algorithm="HS384"),
        jwt.encode(claims, key * 2, algorithm="HS512"),
        jwt.encode(claims, settings.SECRET_KEY.ljust(32, "x"), algorithm="HS256"),
        f"{head}.{of_rival}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}",
        "x",
        "a.b.c",
        "é.é.é",
        "." * 900,
        token + "A" * 3_000,
        unsigned({"alg": "HS256"}, {"deep": 1}, "A").replace("deep", "[" * 500),
    ):
        assert answer(forged) == (401, "token_invalid"), forged


def test_an_asymmetric_token_is_refused(acme: Workspace) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    token = jwt.encode(claims_of(token_of(acme)), Ed25519PrivateKey.generate(), algorithm="EdDSA")

    assert answer(token) == (401, "token_invalid")


@pytest.mark.parametrize(
    "change",
    [
        {"workspace": 0}, {"user": 1}, {"exp": "2030-01-01"}, {"exp": 10**30}, {"exp": None},
        {"exp": True}, {"iat": 4_000_000_000}, {"iat": -5}, {"jti": 7}, {"jti": None},
    ],
)  # fmt: skip
def test_well_signed_claims_that_are_not_the_rows_are_refused(
    acme: Workspace, settings: Any, change: dict[str, Any]
) -> None:
    claims = claims_of(token_of(acme)) | change
    token = jwt.encode(
        {name: value for name, value in claims.items() if value is not None or name == "user"},
        tokens._key(settings.SECRET_KEY),
        algorithm="HS256",
    ) if "jti" not in change else _by_hand(claims, tokens._key(settings.SECRET_KEY))  # fmt: skip

    status, _ = answer(token)

    assert status == 401


def _by_hand(claims: dict[str, Any], key: bytes) -> str:
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm="HS256")


def test_a_row_may_take_scopes_away_but_a_token_cannot_add_them(
    acme: Workspace, settings: Any
) -> None:
    token = token_of(acme, scopes=["read"])
    greedy = jwt.encode(
        claims_of(token) | {"scopes": ["read", "write"]},
        tokens._key(settings.SECRET_KEY),
        algorithm="HS256",
    )

    for each in (token, greedy):
        assert Program(each).get("whatsapp/status").status_code == 200
        assert Program(each).post("whatsapp/connect").status_code == 403


def test_an_expired_token_is_refused_by_the_token_and_by_the_row(acme: Workspace) -> None:
    old = token_of(acme, days=1, now=clock.now() - timedelta(days=2))
    cut_short = token_of(acme)
    with scope.system():
        ApiToken.objects.filter(jti=claims_of(cut_short)["jti"]).update(expires_at=clock.now())

    assert answer(old) == (401, "token_expired")
    assert answer(cut_short) == (401, "token_expired")


def test_a_revoked_token_is_refused_at_once_and_both_are_in_the_audit(acme: Workspace) -> None:
    token = token_of(acme)
    with scope.workspace(acme):
        row = ApiToken.objects.get(jti=claims_of(token)["jti"])
        assert answer(token) == (200, "")
        assert tokens.revoke(workspace=acme, token_id=row.pk, actor=None, now=clock.now())
        assert not tokens.revoke(workspace=acme, token_id=row.pk, actor=None, now=clock.now())
        entries = AuditEntry.objects.filter(target=f"api token {row.pk}").order_by("pk")
        assert [entry.action for entry in entries] == ["api-token.made", "api-token.revoked"]

    assert answer(token) == (401, "token_revoked")


def test_a_token_of_the_key_of_before_counts_until_that_key_is_dropped(
    acme: Workspace, settings: Any
) -> None:
    before = settings.SECRET_KEY
    token = token_of(acme)

    settings.SECRET_KEY = "another-secret-key-of-some-length-for-tests"
    assert answer(token) == (401, "token_invalid")
    settings.SECRET_KEY_FALLBACKS = ["one-more-secret-key-of-some-length", before]
    assert answer(token) == (200, "")
    assert answer(token_of(acme)) == (200, "")


def test_a_suspended_workspaces_token_sleeps(acme: Workspace) -> None:
    token = token_of(acme)
    answer(token)

    def act(change: Callable[..., bool]) -> None:
        change(workspace_id=acme.pk, reason="x", actor=None, actor_kind="staff", now=clock.now())

    act(states.suspend)
    assert answer(token) == (401, "workspace_suspended")
    act(states.reactivate)
    assert answer(token) == (200, "")


def test_a_deleted_workspaces_token_opens_nothing(commits: None) -> None:
    with scope.system():
        owner, _ = User.objects.get_or_create(email="racer@race.example")
    space = schemas.create(name="Gone", slug="gone-api", country="NG", owner=owner, now=clock.now())
    token = token_of(space)
    assert answer(token) == (200, "")

    schemas.delete(workspace=space, now=clock.now())

    assert answer(token) == (401, "token_revoked")


def test_a_person_who_left_takes_the_token_along(acme: Workspace, bola: User) -> None:
    token = token_of(acme, bola.email)
    assert answer(token) == (200, "")
    with scope.system():
        Member.objects.filter(workspace=acme, user=bola).delete()
        assert answer(token) == (401, "member_removed")
        members.add(workspace=acme, email=bola.email, role="viewer", actor=None, now=clock.now())
        assert answer(token) == (200, "")
        User.objects.filter(pk=bola.pk).update(is_active=False)
        assert answer(token) == (401, "member_removed")


def test_a_persons_token_never_becomes_the_workspaces_own(acme: Workspace, bola: User) -> None:
    token = token_of(acme, bola.email)
    with scope.system():
        ApiToken.objects.filter(jti=claims_of(token)["jti"]).update(user=None)

    assert answer(token) == (401, "token_invalid")


@pytest.mark.parametrize(
    ("role", "reads", "connects"),
    [("viewer", 200, 403), ("agent", 200, 403), ("manager", 200, 202), ("owner", 200, 202)],
)
def test_a_members_token_may_do_what_the_member_may(
    as_role: Callable[[str], Program], role: str, reads: int, connects: int
) -> None:
    program = as_role(role)

    assert program.get("whatsapp/status").status_code == reads
    # Who sees the code may link a phone of his own.
    assert program.get("whatsapp/qr").status_code == (200 if connects == 202 else 403)
    assert program.post("whatsapp/connect").status_code == connects
    assert program.post("whatsapp/disconnect").status_code == (200 if connects == 202 else 403)


def test_the_role_of_today_counts(acme: Workspace, as_role: Callable[[str], Program]) -> None:
    program = as_role("manager")
    with scope.system():
        Member.objects.filter(user__email="manager@acme.example").update(role="viewer")

    assert program.post("whatsapp/connect").status_code == 403


def test_a_workspace_does_not_see_anothers_tokens(acme: Workspace, rival: Workspace) -> None:
    token_of(acme, name="acme-only")
    with scope.system():
        row = ApiToken.objects.get(name="acme-only")

    with scope.workspace(rival):
        assert not ApiToken.objects.filter(pk=row.pk).exists()
        with pytest.raises(tokens.UnableToFindToken):
            tokens.revoke(workspace=rival, token_id=row.pk, actor=None, now=clock.now())


def test_a_password_change_does_not_matter_and_an_unknown_person_gets_none(
    acme: Workspace, bola: User, chidi: User
) -> None:
    token = token_of(acme, bola.email)
    User.objects.filter(pk=bola.pk).update(password=make_password("another-one-1"))
    assert answer(token) == (200, "")

    for email in (chidi.email, "nobody@acme.example", "a\x00b@acme.example"):
        with pytest.raises(tokens.UnableToMakeToken, match="belongs to acme"):
            token_of(acme, email)
