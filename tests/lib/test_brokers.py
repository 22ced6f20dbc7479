"""The broker is a URL: each kind gets the options it knows, and Redis serves queues in their order."""

import time

import pytest
from amqp.connection import Connection as AmqpConnection
from kombu import Connection, Consumer, Message, Queue

from lib import brokers
from tests.lib import sockets

REDIS = "redis://127.0.0.1:6379/0"
RABBIT = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.mark.parametrize(
    ("url", "is_redis"),
    [
        (REDIS, True),
        ("rediss://:secret@redis.example/0", True),
        ("sentinel://a:26379;sentinel://b:26379", True),
        (RABBIT, False),
        ("amqps://rabbit.example//", False),
        ("pyamqp://rabbit.example//", False),
        ("memory://", False),
    ],
)
def test_the_url_says_which_broker_it_is(url: str, is_redis: bool) -> None:
    assert brokers.is_redis(url) is is_redis


def test_what_only_redis_knows_is_told_only_to_redis() -> None:
    only = {"ack_emulation", "queue_order_strategy", "socket_timeout", "socket_connect_timeout"}

    assert only <= set(brokers.for_workers(REDIS))
    assert not only & set(brokers.for_workers(RABBIT))
    assert not only & set(brokers.for_publishers(RABBIT))


def test_a_worker_of_rabbitmq_may_wait_for_work_as_long_as_it_takes() -> None:
    # A limit to reading is for publishers: a worker would take silence for a fault.
    assert "read_timeout" not in brokers.for_workers(RABBIT)


def test_a_rabbitmq_that_hangs_costs_a_publisher_a_second() -> None:
    with sockets.serving(sockets.hangs) as server:
        options = {**brokers.for_workers(RABBIT), **brokers.for_publishers(RABBIT)}
        link = Connection(
            f"amqp://guest:guest@127.0.0.1:{server.port}//", transport_options=options
        )
        started = time.monotonic()
        with pytest.raises(OSError):
            link.connect()
        link.release()

    assert time.monotonic() - started < 5


def test_every_option_for_rabbitmq_is_one_that_its_library_knows() -> None:
    known = AmqpConnection.__init__.__code__.co_varnames

    for name in brokers.for_publishers(RABBIT):
        assert name in known


def test_redis_serves_the_queues_in_the_order_they_are_named(own_redis: str) -> None:
    queues = [Queue(name) for name in ("interactive", "bulk", "housekeeping")]
    taken: list[str] = []

    with Connection(own_redis, transport_options=brokers.for_workers(own_redis)) as link:
        producer = link.Producer()
        for queue in reversed(queues):
            for n in range(4):
                producer.publish(f"{queue.name}{n}", routing_key=queue.name, declare=[queue],
                                 exchange=queue.exchange, serializer="json")  # fmt: skip

        def take(message: Message) -> None:
            taken.append(str(message.payload))
            message.ack()

        consumer = Consumer(link, queues, on_message=take)
        consumer.qos(prefetch_count=1)
        with consumer:
            until = time.monotonic() + 20
            while len(taken) < 12 and time.monotonic() < until:
                try:
                    link.drain_events(timeout=0.5)
                except TimeoutError:
                    continue

    # The last queue is served last, whatever came first.
    assert [body.rstrip("0123456789") for body in taken] == [
        *["interactive"] * 4,
        *["bulk"] * 4,
        *["housekeeping"] * 4,
    ]
