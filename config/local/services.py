"""PostgreSQL and Redis: the caller's own where they are given, ours where they are not."""

from config.local import postgres, redis
from config.local.folders import Folder
from config.local.processes import Supervisor
from config.local.screen import Screen
from config.local.settings_file import Given


def start(
    supervisor: Supervisor,
    folder: Folder,
    screen: Screen,
    *,
    given: Given,
    is_durable: bool,
) -> dict[str, str]:
    """Start what is missing; the settings that lead to what was started."""
    urls: dict[str, str] = {}
    if not given.has("DATABASE_URL"):
        with screen.step("Starting PostgreSQL"):
            urls["DATABASE_URL"] = postgres.start(supervisor, folder, is_durable=is_durable)
    if not given.has("REDIS_URL"):
        with screen.step("Starting Redis"):
            urls["REDIS_URL"] = redis.start(supervisor, folder)
    return urls
