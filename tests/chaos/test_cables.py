"""A cut cable keeps what is sent and tells nobody; healed, it brings it."""

import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.chaos import cables

_THERE = """
import socket, sys
line = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
for word in sys.stdin:
    line.sendall(word.encode())
    print(line.recv(100).decode().strip(), flush=True)
"""


@pytest.mark.processes
@pytest.mark.parametrize("lay", [cables.lay, cables.Relays])
def test_a_cut_cable_lets_nothing_through_until_it_is_healed(
    lay: Callable[[], cables.Cable],
) -> None:
    cable = lay()
    try:
        with _echo() as port, _program(cable, port) as there:
            _write(there, "one")
            assert _read(there, seconds=10) == "one"

            cable.cut()
            _write(there, "two")
            assert _read(there, seconds=1) == ""

            cable.heal()
            assert _read(there, seconds=30) == "two"
    finally:
        cable.close()


def _write(program: "subprocess.Popen[str]", word: str) -> None:
    assert program.stdin is not None
    program.stdin.write(word + "\n")
    program.stdin.flush()


def _read(program: "subprocess.Popen[str]", *, seconds: float) -> str:
    assert program.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(program.stdout, selectors.EVENT_READ)
        return program.stdout.readline().strip() if waiting.select(seconds) else ""


@contextmanager
def _program(cable: cables.Cable, port: int) -> Iterator["subprocess.Popen[str]"]:
    name, seen = cable.there(port)
    words = [*cable.inside, sys.executable, "-c", _THERE, name, str(seen)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as program:
        try:
            yield program
        finally:
            program.kill()


@contextmanager
def _echo() -> Iterator[int]:
    with socket.create_server(("0.0.0.0", 0)) as door:  # noqa: S104 - the other host comes in too

        def serve() -> None:
            line, _ = door.accept()
            with line:
                while data := line.recv(100):
                    line.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield int(door.getsockname()[1])
