"""Sentences in, unit vectors out, by the files that `faqs.encoder.making` made.

One encoder a process: sessions of onnxruntime may be used by many threads at once.
"""

import threading
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from tokenizers import Tokenizer

from faqs.encoder import weights
from faqs.encoder.runtime import onnxruntime
from faqs.engine.features import UnableToEncode as UnableToEncode

# What is meant, and how it is said: of length 1 each.
SIZE = 2 * 384
Vectors = NDArray[np.float32]

_LONGEST = 128  # tokens; the model was trained on no more
_LONGEST_TEXT = 2_000  # characters, of which 128 tokens never need more
# Tokens at once, so that what a layer hands to the next is still near when it is asked for: with
# six times as many a sentence takes a third longer.
_TOGETHER = 128
_PADDING = 0
_ERRORS_ONLY = 3


class Encoder:
    """Encodes sentences; each comes out the same alone and in company."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        files = weights.made(folder)
        if not files.is_there:
            raise UnableToEncode(
                f"The language model is not in {folder}. What to do: "
                "`.venv/bin/python -m config.local models` fetches it (`make run` and `make test` do)."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
            self._session = onnxruntime.InferenceSession(
                str(files.graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise what they like
            raise UnableToEncode(
                f"The language model in {folder} cannot be used ({error}). What to do: remove that "
                "folder, then `.venv/bin/python -m config.local models`."
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one vector for each text: both halves, one after the other."""
        found = np.zeros((len(texts), SIZE), dtype=np.float32)
        if not texts:
            return found
        clean = [_encodable(text) for text in texts]
        # One by one: its own way for many starts threads, and those do not survive a fork.
        tokens = [self._tokenizer.encode(text).ids for text in clean]
        # Like lengths together: what fills up short sentences is computed too.
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        for places in _batches(order, tokens):
            found[places] = self._run([tokens[place] for place in places])
        return found

    def vocabulary(self) -> tuple[str, ...]:
        """Return the whole words that the model knows, in lower case, the usual ones first."""
        return self._words

    @cached_property
    def _words(self) -> tuple[str, ...]:
        known = self._tokenizer.get_vocab()
        words = [word for word in known if word.isalpha()]  # pieces of words begin with ##
        return tuple(sorted(words, key=known.__getitem__))

    def _run(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        length = max(map(len, tokens))
        ids = np.full((len(tokens), length), _PADDING, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        vectors: Vectors = self._session.run(["vectors"], {"ids": ids, "mask": mask})[0]
        return vectors


def shared() -> Encoder:
    """Return this process's encoder; the first call loads it. Raises UnableToEncode."""
    with _loading:
        return _loaded(Path(settings.FAQ_MODEL_FOLDER), settings.FAQ_ENCODER_THREADS)


def _batches(order: Sequence[int], tokens: Sequence[Sequence[int]]) -> list[list[int]]:
    """Cut places, the shortest first, into batches that fit into a core's own memory."""
    batches: list[list[int]] = []
    for place in order:
        if batches and (len(batches[-1]) + 1) * len(tokens[place]) <= _TOGETHER:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


def _encodable(text: str) -> str:
    # Half a surrogate pair is no character, and the tokenizer refuses it.
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


_loading = threading.Lock()


@lru_cache(maxsize=1)
def _loaded(folder: Path, threads: int) -> Encoder:
    return Encoder(folder, threads=threads)
