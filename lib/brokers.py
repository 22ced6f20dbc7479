"""What each kind of broker wants to be told. Which one it is, its URL says."""

from typing import Any

# A worker that reads nothing and hears no heartbeat for so long connects anew (RabbitMQ).
HEARTBEAT_SECONDS = 10


def is_redis(url: str) -> bool:
    """Say whether `url` leads to Redis, or to something that speaks its language."""
    return url.partition(":")[0] in ("redis", "rediss", "sentinel", "unix")


def for_workers(url: str) -> dict[str, Any]:
    """Return the options of every connection of a worker."""
    if not is_redis(url):
        return {"max_retries": 0}
    return {
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "retry_on_timeout": False,
        "max_retries": 0,
        # No book of what is in hand: a lost wake-up is found by the sweep, and keeping the book
        # ends a worker when the broker goes away under it.
        "ack_emulation": False,
        # The queues in the order in which a worker names them, not in turn: who serves
        # `interactive,bulk` takes from `bulk` only while nothing interactive waits. RabbitMQ
        # knows no such order; there each kind of work has its own process, as in the Procfile.
        "queue_order_strategy": "priority",
    }


def for_publishers(url: str) -> dict[str, Any]:
    """Return the options of a connection that only enqueues.

    A broker that hangs must not hold a customer's webhook: what is not told in time is found
    by the sweep. RabbitMQ stops reading from publishers when it is short of memory or disk;
    a write that it does not take ends after a second too.
    """
    if is_redis(url):
        return {"socket_connect_timeout": 0.5, "socket_timeout": 1.0}
    return {"connect_timeout": 1, "read_timeout": 1, "write_timeout": 1}
