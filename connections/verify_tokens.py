"""What an owner's own Meta app shows when it registers our address for its webhooks."""

import hmac

from connections.models import Connection
from lib import crypto


def token_of(connection: Connection) -> str:
    """Return the token that an owner's own Meta app is to show when it registers our address."""
    mark = crypto.digest(f"{connection.pk}", purpose="webhook-verify")[:24]
    return f"{connection.pk}-{mark}"


def is_ours(token: str, *, platform_token: str) -> bool:
    """Say whether `token` is the house's or one that `token_of` gave. Constant time."""
    if platform_token and hmac.compare_digest(token.encode(), platform_token.encode()):
        return True
    identifier, _, mark = token.partition("-")
    if not (identifier.isascii() and identifier.isdigit() and len(identifier) < 19):
        return False
    expected = crypto.digest(str(int(identifier)), purpose="webhook-verify")[:24]
    return hmac.compare_digest(mark.encode(), expected.encode())
