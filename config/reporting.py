"""What is told to Sentry, when there is one: which fault, and where; nobody's words or numbers."""

from typing import Any, cast

import sentry_sdk
from sentry_sdk.types import Event, Hint

from lib import redact

_PRIVATE = ("url", "data", "query_string", "cookies", "headers", "env")


def begin(dsn: str) -> None:
    """Report what is unanticipated in this process to `dsn`."""
    sentry_sdk.init(
        dsn=dsn,
        send_default_pii=False,
        include_local_variables=False,  # they hold customers' words
        max_request_body_size="never",
        # No traces, and no rate of them: with a rate, even 0, a caller's header would ask for one.
        before_send_transaction=lambda event, hint: None,
        before_send=scrub,
        before_breadcrumb=scrub_crumb,
    )


def scrub(event: Event, hint: Hint) -> Event:
    """Take out of a report what may be content; chained causes are in it as exceptions too."""
    told = cast(dict[str, Any], event)
    for said in told.get("exception", {}).get("values", ()):
        tells = redact.is_telling(str(said.get("module") or ""), str(said.get("type") or ""))
        first_line = str(said.get("value") or "").split("\n", 1)[0]
        said["value"] = redact.text(first_line) if tells else ""
        for frame in (said.get("stacktrace") or {}).get("frames", ()):
            frame.pop("vars", None)
    if entry := told.get("logentry"):
        line = str(entry.get("formatted") or entry.get("message") or "")
        told["logentry"] = {"message": redact.line(line, _error_in(hint))}
    if "message" in told:
        told["message"] = redact.line(str(told["message"]), _error_in(hint))
    for name in _PRIVATE:
        told.get("request", {}).pop(name, None)
    # Arguments of tasks, and what libraries put beside their log lines.
    told.pop("extra", None)
    return event


def scrub_crumb(crumb: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
    """Keep of what went before a fault its kind and its masked line."""
    crumb.pop("data", None)
    message = str(crumb.pop("message", "") or "")  # first: if this fails, nothing of it is kept
    record = hint.get("log_record")
    error = record.exc_info[1] if record is not None and record.exc_info else None
    crumb["message"] = redact.line(message, error)
    return crumb


def _error_in(hint: Hint) -> BaseException | None:
    found = hint.get("exc_info")
    return found[1] if found else None
