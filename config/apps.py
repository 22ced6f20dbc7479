from django.apps import AppConfig
from django.conf import settings

from config import reporting


class BackroomConfig(AppConfig):
    """The whole: makes the task queue and the checks known to every process."""

    name = "config"

    def ready(self) -> None:
        if settings.SENTRY_DSN:
            reporting.begin(settings.SENTRY_DSN)
        from config import celery, checks, listening, sending, sweeper, watchdog  # noqa: F401
