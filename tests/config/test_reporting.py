"""What leaves the house when something breaks, to the log and to Sentry: no words, no numbers."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk
from django.db import connection as database
from django.db import transaction
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from config import reporting
from lib import redact
from tests.lines import heard

pytestmark = pytest.mark.django_db
WORDS = "my blouse is torn"


class Post(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent.append(envelope.get_event())


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    one = Post()
    init = sentry_sdk.init
    # Only what hears the log: the other integrations would stay in the tests' process for good.
    few: dict[str, Any] = {"default_integrations": False, "integrations": [LoggingIntegration()]}
    monkeypatch.setattr(sentry_sdk, "init", lambda **said: init(**said, **few, transport=one))
    with sentry_sdk.isolation_scope():
        reporting.begin("http://key@127.0.0.1:9/1")
        yield one
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def log() -> Iterator[list[str]]:
    with heard(masks=redact.Filter()) as lines:
        yield lines


def execute(statement: str) -> Callable[[], None]:
    def work() -> None:
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE torn (words text PRIMARY KEY, at int, j jsonb,"
                " CONSTRAINT short CHECK (length(words) < 60)) ON COMMIT DROP"
            )
            cursor.execute("INSERT INTO torn (words) VALUES (%s)", [WORDS])
            cursor.execute(statement, {"words": WORDS, "long": WORDS * 9})

    return work


def chained() -> None:
    try:
        execute("INSERT INTO torn (words) VALUES (%(words)s)")()
    except Exception as error:
        raise RuntimeError("it could not be stored") from error


FAULTS = [
    execute("INSERT INTO torn (words) VALUES (%(words)s)"),
    execute("INSERT INTO torn (words) VALUES (%(long)s)"),
    execute("INSERT INTO torn (words, at) VALUES ('x', %(words)s)"),
    execute("INSERT INTO torn (words, j) VALUES ('x', %(words)s)"),
    execute("SELECT ' || %(words)s || %(words)s x y"),
    chained,
]


@pytest.mark.parametrize("fail", FAULTS)
def test_a_database_error_tells_nobodys_words(
    fail: Callable[[], None], post: Post, log: list[str]
) -> None:
    logger = logging.getLogger("messaging.drain")
    try:
        fail()
    except Exception as error:
        logger.exception("messaging.batch.failed")
        # As libraries say it: the task queue, for one, with what the task was given.
        logger.error(
            "Task x raised unexpected: %(exc)s",
            {"exc": repr(error)}, exc_info=True, extra={"data": {"args": WORDS}},
        )  # fmt: skip
        logger.error("It broke: %s", error, exc_info=True)
        sentry_sdk.capture_exception(error)

    assert (len(log), len(post.sent)) == (3, 4)
    for place in (*log, *post.sent):
        assert WORDS not in json.dumps(place, default=str)
    assert json.loads(log[0])["event"] == "messaging.batch.failed"
    assert post.sent[0]["exception"]["values"][-1]["type"] in json.loads(log[0])["exception"]
    assert post.sent[0]["exception"]["values"][-1]["stacktrace"]["frames"]


def test_a_database_error_tells_which_rule_was_broken(log: list[str]) -> None:
    try:
        FAULTS[0]()
    except Exception:
        logging.getLogger("messaging.drain").exception("messaging.batch.failed")

    said = json.loads(log[0])
    assert said["exception"] == "IntegrityError"
    assert said["message"] == "UniqueViolation 23505 torn torn_pkey"


@pytest.mark.parametrize("error", [ValueError(WORDS), KeyError(WORDS)])
def test_an_exception_that_quotes_what_it_was_given_tells_its_name_only(
    error: Exception, post: Post, log: list[str]
) -> None:
    try:
        raise error
    except Exception as caught:
        logging.getLogger("messaging.drain").exception("messaging.batch.failed")
        sentry_sdk.capture_exception(caught)

    for place in (*log, *post.sent):
        assert WORDS not in json.dumps(place, default=str)
    assert post.sent[-1]["exception"]["values"][-1]["type"] == type(error).__name__


def test_a_caller_cannot_ask_for_a_trace(post: Post) -> None:
    asked = {"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"}

    with sentry_sdk.start_transaction(sentry_sdk.continue_trace(asked), name=WORDS):
        pass

    assert post.sent == []


def test_a_crumb_that_cannot_be_masked_tells_nothing() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "x", (), (Mute, Mute(), None))
    crumb = {"message": WORDS, "data": {"text": WORDS}}
    with pytest.raises(RuntimeError):
        reporting.scrub_crumb(crumb, {"log_record": record})

    assert crumb == {}


def test_a_request_is_told_by_its_method_only(post: Post) -> None:
    event = {
        "request": {
            "url": "http://x/staff/", "method": "GET", "query_string": "q=08031234567",
            "data": {"text": WORDS}, "cookies": {"sessionid": "x"}, "headers": {"Cookie": "x"},
        },
        "extra": {"celery-job": {"kwargs": {"text": WORDS}}},
        "message": "to +2348031234567",
    }  # fmt: skip

    told = reporting.scrub(event, {})  # type: ignore[arg-type]

    assert told == {"request": {"method": "GET"}, "message": "to [phone]"}


def test_what_went_before_is_told_masked(post: Post) -> None:
    logging.getLogger("lib.test").warning("sent to %s", "+2348031234567")
    sentry_sdk.add_breadcrumb(category="http", message="x", data={"url": WORDS})

    sentry_sdk.capture_message("now")

    (sent,) = post.sent
    told = json.dumps(sent, default=str)
    assert "sent to [phone]" in told
    assert WORDS not in told
