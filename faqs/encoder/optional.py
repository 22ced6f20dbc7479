"""This process's encoder where there is one: a machine may do without the language model.

What the encoder is made of is imported only once it is asked for: most processes never do.
"""

import logging
import threading
import time

from faqs.encoder import chosen
from faqs.engine.features import Encoder, UnableToEncode
from lib import events

_TRY_AGAIN_SECONDS = 60.0

_lock = threading.Lock()
_away_until = 0.0
_is_told = False


def encoder() -> Encoder | None:
    """Return the encoder; None where its files are missing. They may come later."""
    global _away_until, _is_told
    if _away_until > time.monotonic():
        return None
    with _lock:
        try:
            return chosen.shared()
        except UnableToEncode:
            _away_until = time.monotonic() + _TRY_AGAIN_SECONDS
            if not _is_told:
                events.publish("faqs.encoder.missing", level=logging.WARNING)
            _is_told = True
            return None
