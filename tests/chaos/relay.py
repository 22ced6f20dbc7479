"""Passes TCP on between ports of 127.0.0.1 until told to `cut`, and again from `heal` on.

Reads its orders from standard input: `pass LISTEN TARGET`, `cut`, `heal`; says when one is
carried out.
"""

import asyncio
import contextlib
import sys

_open = asyncio.Event()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while True:
            data = await reader.read(65_536)
            await _open.wait()
            if not data:
                break
            writer.write(data)
            await writer.drain()
    writer.close()


async def _pass(port: int, target: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _open.wait()
        try:
            their_reader, their_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, their_writer), _copy(their_reader, writer))

    await asyncio.start_server(connected, "127.0.0.1", port)


async def main() -> None:
    _open.set()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.split():
            case ["pass", port, target]:
                await _pass(int(port), int(target))
            case ["cut"]:
                _open.clear()
            case ["heal"]:
                _open.set()
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
