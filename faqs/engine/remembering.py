"""An encoder that encodes a text once: most of a list is the same after a change as before."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from faqs.engine.features import Encoder, Floats

_MOST_BYTES = 64_000_000  # twenty thousand texts


class Remembering:
    """Encodes as `encoder` does. Keeps what it encoded last, up to a size."""

    def __init__(self, encoder: Encoder, *, most_bytes: int = _MOST_BYTES) -> None:
        self.encoder = encoder
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Floats:
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if not texts:
            return self.encoder.encode([])
        if missing:
            known |= dict(zip(missing, self.encoder.encode(missing), strict=True))
        with self._lock:
            for text in texts:
                self._keep(text, known[text])
        return np.array([known[text] for text in texts], dtype=np.float32)

    def vocabulary(self) -> tuple[str, ...]:
        return self.encoder.vocabulary()

    def _keep(self, text: str, vector: Floats) -> None:
        if text in self._kept:
            self._kept.move_to_end(text)
            return
        # A row of a batch's own memory would keep the whole batch.
        self._kept[text] = vector.copy()
        self._bytes += _size(text, vector)
        while self._bytes > self._most and len(self._kept) > 1:
            self._bytes -= _size(*self._kept.popitem(last=False))


def _size(text: str, vector: Floats) -> int:
    return vector.nbytes + 4 * len(text) + 200
