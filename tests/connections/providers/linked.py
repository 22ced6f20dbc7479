"""The contract's own examples (connections/bridge/contract), which the engine's tests read too."""

import json
from pathlib import Path
from typing import Any

from connections.providers.base import Account
from connections.providers.linked_device import signature_of

FOLDER = Path(__file__).resolve().parents[3] / "connections" / "bridge" / "contract"
SECRET = "a secret of thirty-two characters"
SESSION = "0b8a1c52-6f0e-4c1d-9a55-3d2f7f1f0a01"


def example(name: str) -> Any:
    """Return one example of the contract."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def batch(*events: dict[str, Any], version: int = 1) -> bytes:
    """Return a batch as an engine posts it."""
    return json.dumps({"v": version, "bridge": "host-1", "events": list(events)}).encode()


def signed(body: bytes, *, at: int, secret: str = SECRET) -> dict[str, str]:
    """Return the header with which an engine signs `body` at `at` (unix seconds)."""
    return {"x-backroom-signature": f"t={at},v1={signature_of(secret, str(at), body)}"}


def account(url: str) -> Account:
    """Return the account of the example's session, held by the process at `url`."""
    return Account(external_id=SESSION, account_id="", credentials={}, route=url)
