from django.apps import AppConfig


class BackroomConfig(AppConfig):
    """The whole: makes the task queue and the checks known to every process."""

    name = "config"

    def ready(self) -> None:
        from config import celery, checks, sweeper  # noqa: F401
