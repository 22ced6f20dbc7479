"""Gathering the settings: the caller's environment, `.env`, and secrets made once per folder."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.local.folders import Folder, UnableToStart, read_json, write_private_json

# Besides what the launcher makes itself and what stands in `.env`, these names of the caller's
# environment reach every other command in the folder.
SHARED = (
    "ALLOWED_HOSTS",
    "BASE_URL",
    "BROKER_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "LOG_LEVEL",
    "SENTRY_DSN",
)
SHARED_PREFIXES = ("AI_", "BACKROOM_", "BRIDGE_", "GRAPH_API_", "LINKED_DEVICE_", "WHATSAPP_")
MADE = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "BACKROOM_KEYS", "WHATSAPP_APP_SECRET")

_ENV_LINE = re.compile(r"^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$")
_WORDS = """
amber apple basil breeze candle canoe cedar clover copper coral cotton daisy drum falcon
fern garden ginger guava harbor hazel honey indigo island ivory jasmine kite lagoon lantern
lemon lily linen lotus mango maple market meadow mint moon needle ocean olive orchid palm
papaya pearl pebble pepper river rose saffron sail shore silver sparrow spring stone sugar
summer sunset thread tulip valley velvet violet walnut willow window
"""


def read_env_file(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file; one that is not there holds none."""
    values: dict[str, str] = {}
    if not path.exists():
        return values
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _ENV_LINE.match(line.strip())
        if not found:
            raise UnableToStart(
                f"{path.name}, line {number} is not KEY=VALUE.",
                remedy="Comments begin with #; a value with spaces may stand in quotes.",
            )
        values[found[1]] = _unquote(found[2])
    return values


def _unquote(value: str) -> str:
    for quote in ('"', "'"):
        if value.startswith(quote):
            inner, closed, _rest = value[1:].partition(quote)
            return inner if closed else value
    return re.split(r"\s+#", value, maxsplit=1)[0].strip()


@dataclass(frozen=True)
class Given:
    """What the caller has set: `.env`, overlaid by the environment. Empty is not set."""

    environ: Mapping[str, str]
    file: Mapping[str, str] = field(default_factory=dict)

    def all(self) -> dict[str, str]:
        return {name: value for name, value in {**self.file, **self.environ}.items() if value}

    def get(self, name: str, usual: str = "") -> str:
        return self.environ.get(name) or self.file.get(name) or usual

    def has(self, name: str) -> bool:
        """Whether it is set, in itself or as a file that holds it."""
        return bool(self.get(name) or self.get(f"{name}_FILE"))

    def shared(self) -> dict[str, str]:
        """The part that every other command in the folder needs."""
        return {
            name: value
            for name, value in self.all().items()
            if name in self.file
            or name.removesuffix("_FILE") in (*MADE, *SHARED)
            or name.startswith(SHARED_PREFIXES)
        }


def secret(folder: Folder, name: str) -> str:
    """A secret of this folder, made when it is first asked for."""
    known = read_json(folder.secrets) or {}
    if name not in known:
        known = {**known, name: _make(name)}
        write_private_json(folder.secrets, known)
    return str(known[name])


def _make(name: str) -> str:
    if name == "BACKROOM_KEYS":
        return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    if name == "DEMO_PASSWORD":
        words = [secrets.choice(_WORDS.split()) for _ in range(3)]
        return "-".join([*words, f"{secrets.randbelow(90) + 10}"])
    if name == "SECRET_KEY":
        return secrets.token_urlsafe(50)
    return secrets.token_hex(16)


def compose(
    folder: Folder,
    *,
    given: Given,
    servers: Mapping[str, str],
    numbers: Mapping[str, int],
    mode: str,
) -> dict[str, str]:
    """All settings of one copy; what the caller gave is never replaced. `numbers`: the ports."""
    values = {
        "BACKROOM_ENV": mode,
        "BASE_URL": f"http://127.0.0.1:{numbers['PORT']}",
        "EDGE_URL": f"http://127.0.0.1:{numbers['EDGE_PORT']}",
        "SIMULATOR_URL": f"http://127.0.0.1:{numbers['SIMULATOR_PORT']}",
        **servers,
    }
    for name in ("SECRET_KEY", "BACKROOM_KEYS", "WHATSAPP_APP_SECRET"):
        if not given.has(name):
            values[name] = secret(folder, name)
    # The ports were checked under these names, whatever form the caller wrote them in.
    values |= given.shared()
    return {**values, **{name: str(number) for name, number in numbers.items()}}
