"""The one door to models: named routes, a deadline that holds, tokens and cost of every call.

The only module that knows litellm; it is imported inside a function, because that takes two
seconds and 160 MB which only the `ai` process should pay, and only when a key is set.
"""

import asyncio
import json
import logging
import os
import re
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings

from ai import routes

_GRACE_SECONDS = 0.2  # beyond a call's own deadline, for one that does not keep it
_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """What a model answered. `has_usage` is False when the vendor told no token count."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int
    ms: int
    has_usage: bool = True


class UnableToComplete(Exception):
    """No answer: timeout, refused, throttled, unauthorised, broken, not_installed."""

    def __init__(self, kind: str, *, may_have_cost: bool, ms: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.may_have_cost = may_have_cost
        self.ms = ms


async def complete(
    *, route: str, system: str, prompt: str, seconds: float, most_tokens: int = 60
) -> Reply:
    """Ask the model of `route`. Raises UnableToComplete, at the latest after `seconds`.

    The deadline is our own: the library's timeout counts per read, and its retries would
    stall a customer for a minute.
    """
    model = routes.model_of(route)
    started = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            if model == routes.ECHO:
                await asyncio.sleep(settings.AI_ECHO_SECONDS)
                return echo(prompt, started)
            return await _ask(model, system, prompt, seconds, most_tokens, started)
    except TimeoutError as error:
        raise UnableToComplete("timeout", may_have_cost=True, ms=_ms(started)) from error


async def _ask(
    model: str, system: str, prompt: str, seconds: float, most_tokens: int, started: float
) -> Reply:
    # In a thread: the first import takes seconds, and the loop has other calls' deadlines to keep.
    litellm = await asyncio.to_thread(_library)
    try:
        answer = await litellm.acompletion(
            model=model,
            messages=[{"role": "system", "content": system}, {"role": "user", "content": prompt}],
            api_key=settings.AI_API_KEY,
            api_base=settings.AI_API_BASE or None,
            max_tokens=most_tokens,
            timeout=seconds,
            max_retries=0,
            num_retries=0,
        )
        choice = answer.choices[0]
        text = choice.message.content or ""
        usage = getattr(answer, "usage", None)
        tokens_in = int(getattr(usage, "prompt_tokens", 0) or 0)
        tokens_out = int(getattr(usage, "completion_tokens", 0) or 0)
    except TimeoutError:
        raise
    except Exception as error:  # the library's classes mislead (401 comes as a bad request)
        raise UnableToComplete(
            _kind(error), may_have_cost=_may_have_cost(error), ms=_ms(started)
        ) from error
    if not text or choice.finish_reason == "length":
        raise UnableToComplete("broken", may_have_cost=True, ms=_ms(started))
    return Reply(text, model, tokens_in, tokens_out, _ms(started), has_usage=bool(tokens_in))


async def embed(texts: list[str], *, seconds: float) -> list[list[float]]:
    """Return a vector for each text by AI_EMBEDDING_MODEL. Raises UnableToComplete, as `complete`."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            litellm = await asyncio.to_thread(_library)
            answer = await litellm.aembedding(
                model=settings.AI_EMBEDDING_MODEL,
                input=texts,
                api_key=settings.AI_API_KEY,
                api_base=settings.AI_API_BASE or None,
                timeout=seconds,
                max_retries=0,
                num_retries=0,
            )
            rows = sorted(answer.data, key=lambda row: int(row["index"]))
            vectors = [[float(number) for number in row["embedding"]] for row in rows]
    except TimeoutError as error:
        raise UnableToComplete("timeout", may_have_cost=True, ms=_ms(started)) from error
    except UnableToComplete:
        raise
    except Exception as error:  # as in `_ask`
        raise UnableToComplete(
            _kind(error), may_have_cost=_may_have_cost(error), ms=_ms(started)
        ) from error
    if len(vectors) != len(texts) or not all(vectors):
        raise UnableToComplete("broken", may_have_cost=True, ms=_ms(started))
    return vectors


def warm() -> None:
    """Import the library now, so that the first customer does not wait for it."""
    if settings.AI_API_KEY:
        with suppress(UnableToComplete):
            _library()


def _library() -> Any:
    """Import litellm on first use, kept from calling anybody but the configured model."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")
    os.environ.setdefault("LITELLM_LOCAL_BLOG_POSTS", "True")
    try:
        import litellm
    except ImportError as error:
        raise UnableToComplete("not_installed", may_have_cost=False) from error
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    return litellm


def _kind(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    known = {401: "unauthorised", 403: "unauthorised", 408: "timeout", 429: "throttled"}
    return known.get(status, "refused" if isinstance(status, int) and status < 500 else "broken")  # type: ignore[arg-type]


def _may_have_cost(error: Exception) -> bool:
    status = getattr(error, "status_code", None)
    return status not in (400, 401, 403, 404, 422, 429)


def _ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def echo(prompt: str, started: float) -> Reply:
    """Answer without any model: pick the entry that shares most words with the message.

    Lets the whole way be walked and tested with an empty environment.
    """
    document = json.loads(prompt)
    asked = set(re.findall(r"\w{3,}", str(document["message"]).casefold()))
    best, shared = 0, 0
    for entry in document["entries"]:
        count = len(asked & set(re.findall(r"\w{3,}", f"{entry['q']} {entry['a']}".casefold())))
        if count > shared:
            best, shared = int(entry["n"]), count
    verdict = (
        {"verdict": "answer", "entries": [best]} if best else {"verdict": "none", "entries": []}
    )
    return Reply(json.dumps(verdict), routes.ECHO, len(prompt) // 4 + 1, 12, _ms(started))


# --- The loop on which all calls of this process run ----------------------------------------

_loop: asyncio.AbstractEventLoop | None = None
_loop_lock = threading.Lock()


def begin(work: Coroutine[Any, Any, T]) -> "Future[T]":
    """Start a call on this process's one event loop, which hundreds share; do not wait for it."""
    global _loop
    with _loop_lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="models", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loop)


def run(work: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Do as `begin`, and wait for it.

    Raises UnableToComplete, whatever goes wrong, hardly later than after `seconds`.
    """
    future = begin(work)
    try:
        return future.result(timeout=seconds + _GRACE_SECONDS)
    except UnableToComplete:
        raise
    except TimeoutError as error:
        future.cancel()
        raise UnableToComplete("timeout", may_have_cost=True, ms=round(seconds * 1000)) from error
    except Exception as error:
        _log.exception("ai.call.broken")
        raise UnableToComplete("broken", may_have_cost=True) from error
