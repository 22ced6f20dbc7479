"""An encoder that encodes a text once.

Customers ask the same things in the same words, more so in a flood, and most of a list is the same
after a change as before.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faqs.engine.features import Encoder, Floats

_MOST_BYTES = 36_000_000  # twenty thousand texts
_KEY_BYTES = 16

Halves = NDArray[np.float16]


class Remembering:
    """Encodes as `encoder` does, to three digits. Keeps what it encoded last, up to a size.

    What was written is not kept, only its digest: vectors are of a text, whoever wrote it.
    """

    def __init__(self, encoder: Encoder, *, most_bytes: int = _MOST_BYTES) -> None:
        self.encoder = encoder
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Halves] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a row for each text: what is remembered is what was returned the first time."""
        if not texts:
            return self.encoder.encode([])
        keys = [_key(text) for text in texts]
        with self._lock:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            encoded = self.encoder.encode(list(missing.values())).astype(np.float16)
            known |= dict(zip(missing, encoded, strict=True))
        with self._lock:
            for key in known:
                self._keep(key, known[key])
        return np.array([known[key] for key in keys], dtype=np.float32)

    def vocabulary(self) -> tuple[str, ...]:
        return self.encoder.vocabulary()

    def _keep(self, key: bytes, vector: Halves) -> None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return
        if not np.isfinite(vector).all():
            return  # whatever went wrong is not to last
        # A row of a batch's own memory would keep the whole batch.
        self._kept[key] = vector.copy()
        self._bytes += _size(vector)
        while self._bytes > self._most and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_KEY_BYTES).digest()


def _size(vector: Halves) -> int:
    return vector.nbytes + 250  # with what a dictionary and an array take
