"""The data keys of sessions: wrapped anew under the current key (connections/bridge/PROTOCOL.md, 5)."""

from dataclasses import dataclass, field

from connections.linked.models import LinkedSession
from lib import crypto


@dataclass
class Rewrapped:
    """What came of it: how many were wrapped anew or were current, and which cannot be opened."""

    rotated: int = 0
    current: int = 0
    lost: list[str] = field(default_factory=list)


def rewrap_all() -> Rewrapped:
    """Wrap the data key of every session under the first of BACKROOM_KEYS. Call in system scope.

    An engine does the same when it opens a session; this is for those at rest. May be repeated.
    """
    found = Rewrapped()
    rows = LinkedSession.every.filter(data_key__isnull=False, key_id__isnull=False)
    for pk, key_id, sealed in rows.values_list("pk", "key_id", "data_key").iterator(200):
        if key_id == crypto.current_key_id():
            found.current += 1
            continue
        place = f"{pk}|data_key"
        try:
            plain = crypto.open_bytes(bytes(sealed), key_id=key_id, context=place)
        except crypto.UnableToDecrypt:
            found.lost.append(str(pk))
            continue
        new_id, wrapped = crypto.seal_bytes(plain, context=place)
        # Compare-and-set: an engine may have begun anew, or wrapped it, meanwhile.
        found.rotated += LinkedSession.every.filter(pk=pk, key_id=key_id, data_key=sealed).update(
            key_id=new_id, data_key=wrapped
        )
    return found
