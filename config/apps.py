import sentry_sdk
from django.apps import AppConfig
from django.conf import settings


class BackroomConfig(AppConfig):
    """The whole: makes the task queue and the checks known to every process."""

    name = "config"

    def ready(self) -> None:
        if settings.SENTRY_DSN:
            sentry_sdk.init(
                dsn=settings.SENTRY_DSN,
                send_default_pii=False,
                include_local_variables=False,  # they hold customers' words
                max_request_body_size="never",
                traces_sample_rate=0.0,
            )
        from config import celery, checks, listening, sending, sweeper, watchdog  # noqa: F401
