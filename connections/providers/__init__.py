"""The register of providers. One line here makes a provider known to the whole house."""

import importlib
from functools import cache
from typing import NamedTuple, cast

from django.conf import settings

from connections.providers.base import Provider


class UnknownProvider(Exception):
    """Nobody registered this name, or its setting is empty here."""


class _Entry(NamedTuple):
    module: str
    class_name: str
    needs_setting: str = ""  # registered only where this setting is not empty


_REGISTER = {
    "cloud_api": _Entry("connections.providers.cloud_api", "CloudApi"),
    "linked_device": _Entry("connections.providers.linked_device", "LinkedDevice", "BRIDGE_SECRET"),
    "simulator": _Entry("connections.providers.simulator", "Simulator", "SIMULATOR_URL"),
}


def all_names() -> tuple[str, ...]:
    """Return the names of the providers that may be used here, in the order of the register."""
    return tuple(name for name, entry in _REGISTER.items() if _is_usable(entry))


def get(name: str) -> Provider:
    """Return the provider called `name`. Raises UnknownProvider."""
    entry = _REGISTER.get(name)
    if entry is None or not _is_usable(entry):
        raise UnknownProvider(f"There is no provider called {name[:40]!r} here.")
    return _load(entry)


def _is_usable(entry: _Entry) -> bool:
    return not entry.needs_setting or bool(getattr(settings, entry.needs_setting, ""))


@cache
def _load(entry: _Entry) -> Provider:
    # Imported on first use: a worker pays only for the vendors that it speaks to.
    return cast(Provider, getattr(importlib.import_module(entry.module), entry.class_name)())
