"""Field encryption: AES-256-GCM bound to the row it belongs to; keys can be rotated.

Stored form: `k1.<base64url nonce>.<base64url ciphertext>`, the key's id in front. The
associated data names workspace, table, row and column, so that a ciphertext copied to
another workspace's row does not open.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE_BYTES = 12
_CANNOT = "This secret cannot be opened with the keys that are set."


class UnableToDecrypt(Exception):
    """The value was encrypted under a key that is gone, or belongs to another row."""


@lru_cache(maxsize=4)
def _keys(setting: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for part in setting.split(","):
        identifier, _, encoded = part.strip().partition(":")
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
        if not identifier or "." in identifier or len(key) != 32:
            raise ImproperlyConfigured("BACKROOM_KEYS is id:base64-of-32-bytes, comma separated.")
        keys[identifier] = key
    return keys


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def encrypt(plain: str, *, context: str) -> str:
    """Encrypt `plain` under the current key, bound to `context` (`workspace|table|row|column`)."""
    identifier, sealed = seal_bytes(plain.encode(), context=context)
    return f"{identifier}.{_encode(sealed[:_NONCE_BYTES])}.{_encode(sealed[_NONCE_BYTES:])}"


def decrypt(stored: str, *, context: str) -> str:
    """Return the plain text. Raises UnableToDecrypt for a lost key or another row's value."""
    try:
        identifier, nonce, sealed = stored.split(".")
        opened = open_bytes(_decode(nonce) + _decode(sealed), key_id=identifier, context=context)
        return opened.decode()
    except ValueError as error:
        raise UnableToDecrypt(_CANNOT) from error


def current_key_id() -> str:
    """Return the id of the key that encrypts."""
    return next(iter(_keys(settings.BACKROOM_KEYS)))


def seal_bytes(plain: bytes, *, context: str) -> tuple[str, bytes]:
    """Encrypt bytes under the current key; return its id, and nonce, ciphertext and tag in one."""
    identifier = current_key_id()
    nonce = os.urandom(_NONCE_BYTES)
    key = _keys(settings.BACKROOM_KEYS)[identifier]
    return identifier, nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def open_bytes(sealed: bytes, *, key_id: str, context: str) -> bytes:
    """Return what `seal_bytes` encrypted. Raises UnableToDecrypt."""
    try:
        key = _keys(settings.BACKROOM_KEYS)[key_id]
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
    except (ValueError, KeyError, InvalidTag) as error:
        raise UnableToDecrypt(_CANNOT) from error


def is_current(stored: str) -> bool:
    """Say whether `stored` is encrypted under the current (first) key."""
    return stored.partition(".")[0] == current_key_id()


def digest(value: str, *, purpose: str) -> str:
    """Return a keyed digest of `value` (64 hex characters) for exact look-ups of personal data.

    Keyed by SECRET_KEY, so that a copy of the table alone does not give the values back.
    """
    key = hashlib.sha256(f"digest|{purpose}|{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()
