"""Structured events: one JSON line each, ids only, tied together by one correlation id."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from lib import events
from tests.lines import heard


@pytest.fixture
def log() -> Iterator[list[str]]:
    with heard("backroom") as lines:
        yield lines


@pytest.mark.parametrize(
    "key", ["text", "body", "phone", "token", "secret", "email", "name", "password"]
)
def test_a_key_that_holds_content_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=key):
        events.publish("lib.test.done", params={key: "x"})
    with pytest.raises(ValueError, match=key):
        events.publish("lib.test.done", meta={key: "x"})


def test_an_event_is_one_line_of_json(log: list[str]) -> None:
    with events.correlated("abc123"):
        events.publish(
            "lib.test.done",
            workspace=7,
            params={"message": 5},
            meta={"ms": 3, "code": "a\nb\u2028"},
        )

    (line,) = log
    said = json.loads(line)
    assert "\n" not in line
    assert said["event"] == "lib.test.done"
    assert (said["workspace"], said["message"], said["ms"]) == (7, 5, 3)
    assert said["correlation"] == "abc123"
    assert said["at"].endswith("+00:00")


def test_correlations_nest_and_end() -> None:
    with events.correlated("outer"):
        with events.correlated("") as fresh:
            assert len(fresh) == 16
            assert events.correlation() == fresh
        assert events.correlation() == "outer"
    assert events.correlation() == ""


def test_an_exception_is_told_without_its_content(log: list[str]) -> None:
    try:
        raise ValueError("customer +2348031234567 wrote\nDETAIL: their words")
    except ValueError:
        logging.getLogger("backroom").error("lib.test.failed", exc_info=sys.exc_info())

    said = json.loads(log[0])
    assert said["exception"] == "ValueError"
    assert "803" not in log[0] and "their words" not in log[0]
    assert any("test_events.py" in frame for frame in said["frames"])
