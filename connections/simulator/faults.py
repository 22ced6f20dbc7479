"""Trouble on demand: what shall go wrong, for one number or for all."""

import threading
from dataclasses import asdict, dataclass, replace

EVERYWHERE = "*"


class UnableToRead(ValueError):
    """A field of the request is not what it should be; the message says which and why."""


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble on sends; `times` counts down to nothing, None means until cleared."""

    code: int = 0
    status: int = 0
    details: str = ""
    seconds: float = 30.0
    accepted: bool = True
    times: int | None = None


# What each field takes: a whole number's largest value, or the code a trouble begins with.
_NUMBERS = {"duplicate": 20, "reorder_ms": 60_000, "delay_ms": 600_000, "slow_ms": 120_000}
_FLAGS = ("auto_read", "wrong_signature")
_TROUBLES = {
    "refuse": 130429,
    "fail": 131026,
    "hang": 0,
    "error_after_accept": 131000,
    "malformed": 0,
}
_WINDOWS = ("off", "api", "status")
_STATUSES = ("sent", "delivered", "read", "failed")
FIELDS = (
    *_NUMBERS, *_FLAGS, *_TROUBLES, "drop_statuses", "window", "window_hours"
)  # fmt: skip

Value = int | float | bool | str | tuple[str, ...] | Trouble


def _trouble(name: str, value: object) -> Trouble:
    if isinstance(value, bool):
        value = {}
    elif isinstance(value, int):
        value = {"code": value}
    if not isinstance(value, dict):
        raise UnableToRead(f"{name} is true, a code, or an object with code, times, …")
    known = {"code": _TROUBLES[name], **value}
    if unknown := set(known) - set(asdict(Trouble())):
        raise UnableToRead(f"{name} does not know {', '.join(sorted(unknown))}.")
    for key, kinds in (("code", int), ("status", int), ("seconds", (int, float))):
        if key in known and (isinstance(known[key], bool) or not isinstance(known[key], kinds)):
            raise UnableToRead(f"{name}.{key} is a number.")
    times = known.get("times")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise UnableToRead(f"{name}.times is a whole number from 1, or null for 'until cleared'.")
    trouble = Trouble(**known)
    return replace(
        trouble,
        seconds=min(max(float(trouble.seconds), 0.0), 300.0),
        accepted=bool(trouble.accepted),
        details=str(trouble.details),
    )


def _read(name: str, value: object) -> Value:
    if name in _TROUBLES:
        return _trouble(name, value)
    if name in _FLAGS:
        return bool(value)
    if name == "drop_statuses":
        names = _STATUSES if value is True else tuple(value) if isinstance(value, list) else ()
        if not names or set(names) - set(_STATUSES):
            raise UnableToRead(f"drop_statuses is true or a list of {', '.join(_STATUSES)}.")
        return names
    if name == "window":
        if value not in _WINDOWS:
            raise UnableToRead(f"window is one of {', '.join(_WINDOWS)}.")
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise UnableToRead(f"{name} is a number from 0.")
    if name == "window_hours":
        return float(value)
    if value > _NUMBERS[name]:
        raise UnableToRead(f"{name} is at most {_NUMBERS[name]}.")
    return int(value)


class Faults:
    """The switches. A number's own setting goes before the one for all numbers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scopes: dict[str, dict[str, Value]] = {}

    def put(self, scope: str, fields: dict[str, object]) -> None:
        """Set `fields` for a number (or EVERYWHERE); null or false takes a field away.

        Raises UnableToRead, and then nothing has changed.
        """
        if unknown := set(fields) - set(FIELDS):
            raise UnableToRead(
                f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(FIELDS))}."
            )
        values = {
            name: None if value is None or value is False or value == [] else _read(name, value)
            for name, value in fields.items()
        }
        with self._lock:
            kept = {**self._scopes.get(scope, {})}
            for name, value in values.items():
                kept.pop(name, None)
                if value is not None:
                    kept[name] = value
            self._scopes[scope] = kept

    def clear(self, scope: str = "") -> None:
        """Take every fault away, of one scope or of all."""
        with self._lock:
            if scope:
                self._scopes.pop(scope, None)
            else:
                self._scopes.clear()

    def _find(self, phone_number_id: str, name: str) -> Value | None:
        for scope in (phone_number_id, EVERYWHERE):
            if (value := self._scopes.get(scope, {}).get(name)) is not None:
                return value
        return None

    def has(self, phone_number_id: str, name: str) -> bool:
        """Say whether a field is set for a number, by itself or for all."""
        return self._find(phone_number_id, name) is not None

    def number(self, phone_number_id: str, name: str, default: float = 0) -> float:
        """Return a field that holds a number."""
        value = self._find(phone_number_id, name)
        return value if isinstance(value, int | float) else default

    def flag(self, phone_number_id: str, name: str) -> bool:
        """Return a field that is on or off."""
        return self._find(phone_number_id, name) is True

    def window(self, phone_number_id: str) -> str:
        """Return how the 24-hour window is kept: off, api or status."""
        value = self._find(phone_number_id, "window")
        return value if isinstance(value, str) else "off"

    def drops(self, phone_number_id: str, status: str) -> bool:
        """Say whether the webhook of this status is lost."""
        value = self._find(phone_number_id, "drop_statuses")
        return isinstance(value, tuple) and status in value

    def peek(self, phone_number_id: str, name: str) -> Trouble | None:
        """Return a trouble without using it up."""
        value = self._find(phone_number_id, name)
        return value if isinstance(value, Trouble) else None

    def take(self, phone_number_id: str, name: str) -> Trouble | None:
        """Return a trouble and use it up once."""
        with self._lock:
            for scope in (phone_number_id, EVERYWHERE):
                fields = self._scopes.get(scope, {})
                trouble = fields.get(name)
                if not isinstance(trouble, Trouble):
                    continue
                if trouble.times == 1:
                    del fields[name]
                elif trouble.times is not None:
                    fields[name] = replace(trouble, times=trouble.times - 1)
                return trouble
        return None

    def show(self) -> dict[str, object]:
        """Return all scopes as plain JSON."""
        with self._lock:
            shown = {
                scope: {name: _plain(value) for name, value in fields.items()}
                for scope, fields in self._scopes.items()
                if fields
            }
        everywhere = shown.pop(EVERYWHERE, {})
        return {"all": everywhere, "numbers": shown}

    def effective(self, phone_number_id: str) -> dict[str, object]:
        """Return what holds for one number as plain JSON."""
        with self._lock:
            merged = {**self._scopes.get(EVERYWHERE, {}), **self._scopes.get(phone_number_id, {})}
        return {name: _plain(value) for name, value in merged.items()}


def _plain(value: Value) -> object:
    if isinstance(value, Trouble):
        return {k: v for k, v in asdict(value).items() if v not in (0, "", None) or k == "times"}
    return list(value) if isinstance(value, tuple) else value
