"""One figure beside its limit, as it is printed."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """`bar` None means that there is no limit; `more` are further facts for the line."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = True
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def is_fine(self) -> bool | None:
        """Say whether the limit holds; None without one."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.at_most else self.value >= self.bar

    def as_line(self) -> dict[str, Any]:
        """Return what is printed as JSON."""
        return {
            "name": self.name, "value": round(self.value, 3), "unit": self.unit,
            "bar": self.bar, "ok": self.is_fine, **self.more,
        }  # fmt: skip
