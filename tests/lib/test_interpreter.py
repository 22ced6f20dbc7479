"""What a process tells Python of itself: tried in a process of its own."""

import subprocess
import sys

ASK = """
import gc, sys
from lib import interpreter
before = gc.get_freeze_count()
interpreter.settle()
print(gc.get_freeze_count() > before, gc.isenabled(), gc.get_threshold()[0], sys.getswitchinterval())
import weakref
class Thing: pass
thing = Thing(); thing.me = thing
seen = weakref.ref(thing)
del thing
gc.collect()
print(seen() is None)
"""


def test_what_is_loaded_is_left_alone_and_what_comes_is_still_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.split() == ["True", "True", "20000", "0.001", "True"]
