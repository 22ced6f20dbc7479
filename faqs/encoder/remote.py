"""An encoder that asks a vendor's model (ai.embedding): the rest of the engine stays as it is."""

from collections.abc import Sequence

import numpy as np
from django.conf import settings

from ai import embedding
from faqs.engine.features import VIEWS, Floats, UnableToEncode

# Training asks for many at once, and nobody waits for it.
_PATIENT_SECONDS = 20.0
_FEW = 32


class RemoteEncoder:
    """Encodes by AI_EMBEDDING_MODEL. What is meant stands for how it is said, too."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a row for each text. Raises UnableToEncode."""
        if not texts:
            return np.zeros((0, VIEWS), dtype=np.float32)
        # A text without anything to say is refused by vendors.
        asked = [text if text.strip() else "-" for text in texts]
        seconds = settings.AI_EMBED_SECONDS if len(asked) <= _FEW else _PATIENT_SECONDS
        try:
            vectors = np.array(embedding.embed(asked, seconds=seconds), dtype=np.float32)
        except embedding.UnableToEmbed as error:
            raise UnableToEncode(str(error)) from error
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        both: Floats = np.tile(vectors / lengths, (1, VIEWS))
        return both

    def vocabulary(self) -> tuple[str, ...]:
        """Return nothing: which words a vendor's model knows, nobody tells."""
        return ()
