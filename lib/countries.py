"""Countries by their two letters: names and first time zone, out of the time zone database."""

from functools import lru_cache
from importlib import resources

from phonenumbers import SUPPORTED_REGIONS

# Offered first: where Backroom's businesses are.
_FIRST = ("NG", "GH", "KE", "ZA", "GB", "US")


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """Return the countries whose phone numbers are known, by their names."""
    found = {code: name for code, name in _rows("iso3166.tab", 0, 1) if code in SUPPORTED_REGIONS}
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def offered() -> list[tuple[str, str]]:
    """Return (code, name) for a select: a short list first, then all the others."""
    known = names()
    first = [(code, known[code]) for code in _FIRST if code in known]
    return [*first, *((code, name) for code, name in known.items() if code not in _FIRST)]


def time_zone(code: str) -> str:
    """Return the first time zone of a country; UTC when none is known."""
    return _zones().get(code, "UTC")


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    zones: dict[str, str] = {}
    for code, zone in _rows("zone.tab", 0, 2):
        zones.setdefault(code, zone)
    return zones


@lru_cache(maxsize=1)
def time_zones() -> list[str]:
    """Return the time zones that people live in: the countries of the short list's first."""
    every = sorted({zone for _, zone in _rows("zone.tab", 0, 2)})
    first = [_zones()[code] for code in _FIRST]
    return [*first, *(zone for zone in every if zone not in first)]


def _rows(name: str, first: int, second: int) -> list[tuple[str, str]]:
    text = (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return [(line[first], line[second].strip()) for line in lines if len(line) > second]
