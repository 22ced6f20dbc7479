"""Run beside a test: asks models through the real library and prints what came of it, as JSON.

Usage: python -m tests.ai.ask_models URL; notes every address that this process connects to.
"""

import json
import socket
import sys
import time
from typing import Any

from django.conf import settings

SECONDS = 0.7  # for a model that gives no answer
PATIENCE_SECONDS = 10.0  # for one that does: the machine may be busy with other tests


def main(url: str) -> None:
    reached: set[str] = set()
    connect, find = socket.socket.connect, socket.getaddrinfo

    def noted(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            reached.add(str(address[0]))
        connect(self, address)

    def noted_name(host: Any, *args: Any, **kwargs: Any) -> Any:
        reached.add(str(host))
        return find(host, *args, **kwargs)

    socket.socket.connect = noted  # type: ignore[assignment,method-assign]
    socket.getaddrinfo = noted_name

    # What the gateway asks of the settings, and nothing of the rest of the house.
    settings.configure(
        AI_API_KEY="key", AI_API_BASE="", AI_ROUTES={"fast": "openai/m"}, AI_ECHO_SECONDS=0
    )
    from ai import gateway
    from tests.ai.model_server import FAULTS

    def ask(fault: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        settings.AI_API_BASE = f"{url}/{fault}"
        started = time.monotonic()
        try:
            reply = gateway.run(
                gateway.complete(route="fast", system="s", prompt="{}", seconds=seconds),
                seconds=seconds,
            )
        except gateway.UnableToComplete as error:
            found = {"kind": error.kind, "may_have_cost": error.may_have_cost}
        else:
            found = {"kind": "reply", "text": reply.text, "tokens": reply.tokens_in + reply.tokens_out,
                     "has_usage": reply.has_usage}  # fmt: skip
        return {**found, "seconds": round(time.monotonic() - started, 3)}

    cold = ask(
        "ok", SECONDS
    )  # the first call of the process pays for the import, within its deadline
    gateway.warm()
    ask("ok")
    found = {fault: ask(fault) for fault in FAULTS}
    found |= {fault: ask(fault, SECONDS) for fault in ("hang", "drip")}

    print(json.dumps({"cold": cold, "found": found, "reached": sorted(reached)}))


if __name__ == "__main__":
    main(sys.argv[1])
