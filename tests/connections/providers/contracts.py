"""The fixture folders of the registered providers, read for the contract test."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connections.providers.base import Account

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "providers"
SECRET = "the-app-secret"


def _hmac(name: str, body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, name).digest()


def _hmac_sha256_hex(body: bytes, secret: str) -> str:
    return _hmac("sha256", body, secret).hex()


def _hmac_sha1_base64(body: bytes, secret: str) -> str:
    return base64.b64encode(_hmac("sha1", body, secret)).decode()


# What the `form` of a signature may ask for; a vendor with another scheme adds a line.
_SIGNATURES = {
    "hmac_sha256_hex": _hmac_sha256_hex,
    "hmac_sha1_base64": _hmac_sha1_base64,
}


@dataclass(frozen=True)
class Contract:
    """One provider's `contract.json`."""

    name: str
    folder: Path
    told: dict[str, Any]

    @property
    def account(self) -> Account:
        """The account whose credentials no text may show."""
        return Account(**self.told["account"])

    def body(self, name: str) -> bytes:
        """Return a body that the vendor posts."""
        written: str = self.told["bodies"][name]
        return (
            (self.folder / written).read_bytes() if written.endswith(".json") else written.encode()
        )

    def signed(self, body: bytes, secret: str = SECRET) -> dict[str, str]:
        """Return the headers with which the vendor signs `body`."""
        signature = self.told["signature"]
        values = {name: sign(body, secret) for name, sign in _SIGNATURES.items()}
        return {signature["header"]: signature["form"].format(**values)}

    def sha1(self, body: bytes) -> dict[str, str]:
        """Return headers that sign with the algorithm Meta gave up."""
        digest = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        return {"x-hub-signature": f"sha1={digest}", "x-hub-signature-256": f"sha1={digest}"}

    def settings(self, vendor_url: str) -> dict[str, str]:
        """Return the settings that lead this provider to the vendor."""
        return {
            name: value.format(vendor=vendor_url) for name, value in self.told["settings"].items()
        }


def read(name: str) -> Contract:
    """Return the contract of the provider called `name`."""
    told = json.loads((FOLDER / name / "contract.json").read_text())
    folder = FOLDER / told.get("like", name)
    base = json.loads((folder / "contract.json").read_text())
    return Contract(name=name, folder=folder, told={**base, **told})
