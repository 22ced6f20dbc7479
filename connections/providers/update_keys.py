"""The keys of updates: what makes one itself, for ever.

A key is `<what>:<scope>:<id>...` when the provider gave an id, and
`<what>:<scope>:#<digest of the raw object>` when it gave none. The scope is the id of our
number. Batches differ between two deliveries of the same update, so nothing but the update
itself goes into its key.
"""

import hashlib
from typing import Any

from connections.providers import untrusted

MAX_KEY = 300
MAX_SUBJECT = MAX_CONVERSATION_KEY = 200
MAX_ACCOUNT = 64
_ESCAPES = str.maketrans({"%": "%25", ":": "%3A", "#": "%23"})


def of_id(what: str, number_id: str, *parts: str) -> str:
    """Return the key of an update that has an id of its own."""
    key = ":".join([what, *(part.translate(_ESCAPES) for part in (number_id, *parts))])
    if len(key) <= MAX_KEY:
        return key
    return f"{what}:#{hashlib.sha256(key.encode()).hexdigest()}"


def of_content(what: str, number_id: str, account_id: str, raw: Any) -> str:
    """Return the key of an update without an id: its content, and whose it is."""
    return f"{what}:{number_id.translate(_ESCAPES)}:#{untrusted.digest([account_id, raw])}"
