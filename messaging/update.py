"""An inbox row, read back: whatever is in it, reading it does not fail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connections.models import InboundEvent


@dataclass(frozen=True)
class Update:
    """What a provider, or our own sender, told us."""

    event: InboundEvent
    data: dict[str, Any]
    at: datetime | None

    @classmethod
    def of(cls, event: InboundEvent) -> "Update":
        """Read a row; a payload of another shape reads as empty."""
        payload = event.payload if isinstance(event.payload, dict) else {}
        data = payload.get("data")
        stamp = payload.get("at")
        try:
            at = datetime.fromisoformat(stamp) if isinstance(stamp, str) else None
        except ValueError:
            at = None
        if at is not None and at.tzinfo is None:
            at = None
        return cls(event, data if isinstance(data, dict) else {}, at)

    @property
    def kind(self) -> str:
        """The type of the message that it brings."""
        return (self.text("type") or "unsupported")[:20]

    def part(self, name: str) -> dict[str, Any]:
        """Return an inner object of the data, or an empty one."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}

    def text(self, name: str) -> str:
        """Return an inner text, or an empty one."""
        value = self.data.get(name)
        return value if isinstance(value, str) else ""
