"""Enqueue a job by its name, after the commit. The broker carries wake-ups only."""

import logging

from celery import current_app
from django.db import transaction

from lib import events

Argument = str | int | bool | None


def enqueue(
    name: str, *, queue: str = "interactive", delay_seconds: float = 0, **arguments: Argument
) -> None:
    """Ask a worker to run the task `name` with `arguments` once the transaction commits.

    Never raises when the broker is away: what is due stands in a table, and the sweep of
    every worker finds it within seconds.
    """
    identifier = events.correlation()

    def send() -> None:
        try:
            current_app.send_task(
                name,
                kwargs=arguments,
                queue=queue,
                countdown=delay_seconds or None,
                headers={"correlation": identifier},
                retry=False,
                ignore_result=True,
            )
        except Exception as error:
            events.publish(
                "lib.job.not-enqueued",
                params={"job": name, "error": type(error).__name__},
                level=logging.WARNING,
            )

    transaction.on_commit(send)
