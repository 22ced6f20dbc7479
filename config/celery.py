"""The workers. The broker carries wake-ups only; what is due stands in PostgreSQL."""

import os
from typing import Any

from celery import Celery, signals
from kombu.transport.redis import Channel as RedisChannel

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings  # noqa: E402 - the module's name must be set before
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import close_old_connections  # noqa: E402

from config import canary  # noqa: E402
from lib import brokers, events, interpreter, jobs  # noqa: E402

# A wake-up that was being handled when the broker went away need not be put back: the sweep
# finds what is due. Trying to put it back ends the worker (kombu asks a connection that is gone).
RedisChannel.do_restore = False

app = Celery("backroom")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Webhooks enqueue: a dead broker must cost milliseconds, not the customer's answer.
    broker_transport_options=brokers.for_workers(settings.BROKER_URL),
    broker_connection_timeout=1,
    broker_heartbeat=brokers.HEARTBEAT_SECONDS,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_default_queue="interactive",
    task_default_delivery_mode="transient",  # a wake-up is not worth a write to RabbitMQ's disk
    task_acks_late=False,  # a lost wake-up is found by the sweep; a repeated one does nothing
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
    timezone="UTC",
    beat_schedule={
        "hand back": {
            "task": "messaging.hand_back",
            "schedule": 30.0,
            "options": {"queue": "housekeeping", "expires": 25},
        },
        "take back what bots that are off had in line": {
            "task": "messaging.recall_due",
            "schedule": 5.0,
            "options": {"queue": "housekeeping", "expires": 4},
        },
        "learn what was changed": {
            "task": "faqs.train_due",
            "schedule": 10.0,
            "options": {"queue": "housekeeping", "expires": 9},
        },
        "go on with exports": {
            "task": "messaging.export_due",
            "schedule": 15.0,
            "options": {"queue": "housekeeping", "expires": 14},
        },
        "look around for the status page": {
            "task": "messaging.look_around",
            "schedule": 60.0,
            "options": {"queue": "housekeeping", "expires": 55},
        },
        "watch deliveries": {
            "task": "connections.watch_deliveries",
            "schedule": 60.0,
            "options": {"queue": "housekeeping", "expires": 50},
        },
        "look after linked phones": {
            "task": "connections.supervise",
            "schedule": 5.0,
            "options": {"queue": "housekeeping", "expires": 5},
        },
        "keep tables small": {
            "task": "workspaces.keep_tables_small",
            "schedule": 3600.0,
            "options": {"queue": "housekeeping", "expires": 3000},
        },
        "look after each workspace once a day": {
            "task": "messaging.keep",
            "schedule": 60.0,
            "options": {"queue": "housekeeping", "expires": 55},
        },
        "see to exports and to workspaces that are being deleted": {
            "task": "workspaces.tidy",
            "schedule": 60.0,
            "options": {"queue": "housekeeping", "expires": 55},
        },
        "make schemas for the next sign-ups": {
            "task": "workspaces.keep_spares",
            "schedule": 60.0,
            "options": {"queue": "housekeeping", "expires": 55},
        },
        "erase old payloads": {
            "task": "connections.erase_payloads",
            "schedule": 3600.0,
            "options": {"queue": "housekeeping", "expires": 3000},
        },
    },
    imports=[
        "workspaces.tasks",
        "connections.tasks",
        "ai.tasks",
        "faqs.tasks",
        "messaging.tasks",
    ],
)

# Keep database connections between tasks: a new one costs more than a task. Each is closed at
# its age (DATABASE_MAX_AGE_SECONDS) or when it is broken, as for web requests.
app.conf.CELERY_DB_REUSE_MAX = 10**12


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_pooler(**_: Any) -> None:
    """End before the first task when sessions share backends."""
    try:
        canary.refuse()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # an Exception here would be logged and forgotten


@signals.worker_ready.connect
def settle_the_interpreter(**_: Any) -> None:
    """Let the collector of cycles look at what messages leave behind only."""
    interpreter.settle()


@signals.worker_ready.connect
def try_resting_lines(sender: Any = None, **_: Any) -> None:
    """Have linked phones that rest tried once more, when a worker for housekeeping starts."""
    if str(getattr(sender, "hostname", "")).startswith("bulk@"):
        jobs.enqueue("connections.reconnect_all", queue="housekeeping", once="reconnect-all")


@signals.task_prerun.connect
def refresh_connections(**_: Any) -> None:
    """Drop connections that are too old or broken before the task uses them."""
    close_old_connections()


@signals.setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Leave logging as Django's settings made it."""


@signals.task_prerun.connect
def adopt_correlation(task: Any = None, **_: Any) -> None:
    """Take over the correlation id of whoever asked for the task."""
    request = getattr(task, "request", None)
    identifier = str(getattr(request, "correlation", "") or "")
    if request is not None:
        context = events.correlated(identifier)
        context.__enter__()
        request.correlation_context = context


@signals.task_postrun.connect
def drop_correlation(task: Any = None, **_: Any) -> None:
    """End what `adopt_correlation` began."""
    context = getattr(getattr(task, "request", None), "correlation_context", None)
    if context is not None:
        context.__exit__(None, None, None)
