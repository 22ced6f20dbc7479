"""The one door to models: a deadline that holds, the right word for each fault, no other host."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai import gateway, routes
from tests.ai import ask_models, model_server
from tests.lib import sockets

ROOT = Path(__file__).resolve().parents[2]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


# --- Without any model -------------------------------------------------------------------------


def test_without_a_key_the_echo_model_answers(settings: Any) -> None:
    settings.AI_API_KEY, settings.AI_ROUTES = "", {"fast": "gpt-6-luna"}

    assert routes.model_of("fast") == routes.ECHO
    settings.AI_API_KEY = "key"
    assert routes.model_of("fast") == "gpt-6-luna"
    assert routes.model_of("backup") == routes.ECHO


def test_the_echo_model_says_none_when_nothing_fits() -> None:
    prompt = json.dumps({"entries": [{"n": 1, "q": "delivery", "a": "b"}], "message": "zebra"})

    assert json.loads(gateway.echo(prompt, 0).text) == {"verdict": "none", "entries": []}


def test_an_unknown_model_is_charged_as_the_dearest() -> None:
    dearest = max(price.tokens_out for price in routes.PRICES.values())

    assert routes.price_of("somebody/else").tokens_out >= dearest


# --- Calls that go wrong -----------------------------------------------------------------------


async def _raise() -> None:
    raise ZeroDivisionError


async def _hang() -> None:
    await asyncio.sleep(30)


async def _block() -> None:
    time.sleep(0.8)  # noqa: ASYNC251 - a library that blocks the loop


@pytest.mark.parametrize(
    ("work", "kind"), [(_raise, "broken"), (_hang, "timeout"), (_block, "timeout")]
)
def test_whatever_goes_wrong_has_a_word_and_an_end(work: Callable[[], Any], kind: str) -> None:
    started = time.monotonic()

    with pytest.raises(gateway.UnableToComplete) as caught:
        gateway.run(work(), seconds=0.3)

    assert caught.value.kind == kind
    assert time.monotonic() - started < 0.7
    time.sleep(0.5 if work is _block else 0)


def test_a_call_that_was_given_up_is_cancelled() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("cancelled")

    with pytest.raises(gateway.UnableToComplete):
        gateway.run(work(), seconds=0.05)
    time.sleep(0.1)

    assert ended == ["cancelled"]


# --- The real library, in a process of its own -------------------------------------------------


@pytest.fixture(scope="module")
def asked() -> dict[str, Any]:
    """What the real library made of every fault, and whom it reached; one process for all."""
    hits: Counter[str] = Counter()
    with sockets.serving(lambda visitor: model_server.talk(visitor, hits)) as server:
        done = python("-m", "tests.ai.ask_models", server.url)
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        found["hits"] = dict(hits)
    return found


@pytest.mark.parametrize(
    ("fault", "kind", "may_have_cost"),
    [
        ("throttled", "throttled", False),
        ("broken", "broken", True),
        ("unauthorised", "unauthorised", False),
        ("cut", "broken", True),
        ("html", "broken", True),
        ("no-choices", "broken", True),
        ("no-content", "broken", True),
        ("length", "broken", True),
        ("hang", "timeout", True),
        ("drip", "timeout", True),
    ],
)
def test_each_fault_ends_in_time_with_its_word(
    asked: dict[str, Any], fault: str, kind: str, may_have_cost: bool
) -> None:
    found = asked["found"][fault]

    assert (found["kind"], found["may_have_cost"]) == (kind, may_have_cost)
    assert kind != "timeout" or found["seconds"] < ask_models.SECONDS + 0.3


def test_an_answer_is_read_with_its_tokens(asked: dict[str, Any]) -> None:
    assert asked["found"]["ok"]["text"] == '{"verdict": "answer", "entries": [1]}'
    assert asked["found"]["ok"]["tokens"] == 112
    assert asked["found"]["no-usage"]["has_usage"] is False


def test_the_first_call_of_a_process_keeps_its_deadline_too(asked: dict[str, Any]) -> None:
    assert asked["cold"]["seconds"] < ask_models.SECONDS + 0.3


def test_each_call_is_made_once_and_to_nobody_else(asked: dict[str, Any]) -> None:
    once = [fault for fault in (*model_server.FAULTS, "drip") if fault != "ok"]

    assert [asked["hits"][fault] for fault in once] == [1] * len(once)
    assert asked["hits"]["hang"] == 1
    assert set(asked["reached"]) <= {"127.0.0.1", "localhost", "::1"}


def test_pages_and_workers_do_not_load_the_model_library() -> None:
    done = python(
        "-c",
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings_test'\n"
        "import django; django.setup()\n"
        "import config.urls, config.wsgi, config.celery, config.sweeper\n"
        "config.celery.app.loader.import_default_modules()\n"
        "assert 'ai.choose' in config.celery.app.tasks\n"
        "print(sorted({'litellm', 'openai', 'tiktoken'} & set(sys.modules)))",
    )

    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr[-2000:]
