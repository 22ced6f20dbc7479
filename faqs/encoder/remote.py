"""An encoder that asks a vendor's model (ai.embedding): the rest of the engine stays as it is."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from django.conf import settings

from ai import embedding
from faqs.engine.features import VIEWS, Floats, UnableToEncode

_KEPT = 5_000  # sentences, a few kB each
# Training asks for many at once, and nobody waits for it.
_PATIENT_SECONDS = 20.0
_FEW = 32


class RemoteEncoder:
    """Encodes by AI_EMBEDDING_MODEL. What is meant stands for how it is said, too."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Floats] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a row for each text. Raises UnableToEncode."""
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        # A text without anything to say is refused by vendors.
        asked = [text if text.strip() else "-" for text in missing]
        seconds = settings.AI_EMBED_SECONDS if len(asked) <= _FEW else _PATIENT_SECONDS
        try:
            vectors = embedding.embed(asked, seconds=seconds) if asked else []
        except embedding.UnableToEmbed as error:
            raise UnableToEncode(str(error)) from error
        for text, vector in zip(missing, vectors, strict=True):
            one = np.array(vector, dtype=np.float32)
            known[text] = np.tile(one / max(float(np.linalg.norm(one)), 1e-9), VIEWS)
        with self._lock:
            for text in missing:
                self._kept[text] = known[text]
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return np.array([known[text] for text in texts], dtype=np.float32)

    def vocabulary(self) -> tuple[str, ...]:
        """Return nothing: which words a vendor's model knows, nobody tells."""
        return ()
