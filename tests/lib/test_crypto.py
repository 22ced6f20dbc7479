"""Secrets at rest: bound to their row, keys can be rotated and lost."""

import base64
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from lib import crypto

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()
ROW = "1|connections_connection|7|credentials"


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.BACKROOM_KEYS = OLD


@pytest.mark.parametrize("plain", ["", "token", "ß😀\x00\n", "x" * 100_000])
def test_what_goes_in_comes_out(plain: str) -> None:
    sealed = crypto.encrypt(plain, context=ROW)

    assert crypto.decrypt(sealed, context=ROW) == plain
    assert not plain or plain not in sealed


def test_the_same_secret_is_never_sealed_alike() -> None:
    assert len({crypto.encrypt("token", context=ROW) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "other",
    [
        "2|connections_connection|7|credentials",
        "1|connections_connection|8|credentials",
        "1|connections_connection|7|other",
        "",
    ],
)
def test_another_rows_secret_does_not_open(other: str) -> None:
    sealed = crypto.encrypt("token", context=ROW)

    with pytest.raises(crypto.UnableToDecrypt):
        crypto.decrypt(sealed, context=other)


def test_a_new_key_opens_what_the_old_one_sealed_and_seals_anew(settings: Any) -> None:
    sealed = crypto.encrypt("token", context=ROW)
    settings.BACKROOM_KEYS = f"{NEW}, {OLD}"

    assert crypto.decrypt(sealed, context=ROW) == "token"
    assert not crypto.is_current(sealed)
    assert crypto.is_current(crypto.encrypt("token", context=ROW))


def test_a_lost_key_says_so(settings: Any) -> None:
    sealed = crypto.encrypt("token", context=ROW)
    settings.BACKROOM_KEYS = NEW

    with pytest.raises(crypto.UnableToDecrypt):
        crypto.decrypt(sealed, context=ROW)


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "old",
        "old.a",
        "old.a.b.c",
        "old..",
        "old.AAAA.AAAA",
        "old.AAAAAAAAAAAAAAAA.AAAA",
        "old.ü.ß",
        "x" * 9999,
    ],
)
def test_a_damaged_value_says_so(damaged: str) -> None:
    with pytest.raises(crypto.UnableToDecrypt):
        crypto.decrypt(damaged, context=ROW)


def test_one_flipped_character_is_noticed() -> None:
    sealed = crypto.encrypt("token", context=ROW)
    head, nonce, body = sealed.split(".")
    flipped = ("A" if body[0] != "A" else "B") + body[1:]

    with pytest.raises(crypto.UnableToDecrypt):
        crypto.decrypt(f"{head}.{nonce}.{flipped}", context=ROW)


@pytest.mark.parametrize(
    "keys", ["", "k1", "k1:", "k1:AAAA", "k.1:" + "A" * 43, "k1:!!!", ":" + "A" * 43]
)
def test_unusable_keys_are_refused_in_words(keys: str, settings: Any) -> None:
    settings.BACKROOM_KEYS = keys

    with pytest.raises(ImproperlyConfigured):
        crypto.encrypt("token", context=ROW)


def test_a_digest_is_keyed_by_purpose_and_secret(settings: Any) -> None:
    digest = crypto.digest("+2348031234567", purpose="directory")

    assert digest == crypto.digest("+2348031234567", purpose="directory")
    assert digest != crypto.digest("+2348031234567", purpose="other")
    assert len(digest) == 64
    settings.SECRET_KEY = "another"
    assert digest != crypto.digest("+2348031234567", purpose="directory")
