"""The collector of cycles, told that what a process has loaded stays for good."""

import gc

# New objects, more than were freed, after which the young are looked through. A message makes
# thousands, nearly all of them freed without the collector.
_YOUNG = 20_000


def spare() -> None:
    """Leave out of every collection what is there now: call once, when a process is ready."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
