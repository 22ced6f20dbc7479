"""Python itself, told what kind of process this is: many small waits on one interpreter lock."""

import gc
import sys

# New objects, more than were freed, after which the young are looked through. A message makes
# thousands, nearly all of them freed without the collector.
_YOUNG = 20_000
# Who comes back from the database waits for the lock for so long, while another thread computes.
# A message waits some ten times: with Python's own 5 ms that made 50 ms of a busy neighbour.
_SWITCH_SECONDS = 0.001


def settle() -> None:
    """Call once, when a process is ready.

    What is loaded by now is left out of every collection of cycles, and threads hand the
    interpreter's lock on soon.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
    sys.setswitchinterval(_SWITCH_SECONDS)
