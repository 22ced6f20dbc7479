"""A message that asks several things, cut where one question ends and the next begins."""

import re

from faqs import cleaning, wording

# Between sentences, and before the words that begin another question.
_ENDS = re.compile(r"(?<=[^\W_])\s*[?!;]+\s*|(?<=[^\W_])\.+\s+|\n+")
_BEGINS = "how|what|whats|when|where|which|who|why|can|could|do|does|is|are|will|please|pls|abeg|let|send|i"
_JOINTS = re.compile(
    r"(?:,\s*|\s+)(?:and(?:\s+(?:also|then))?|also|plus|then)\s+|,\s+(?=(?:" + _BEGINS + r")\b)",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:and|also|plus|then)\s+", re.IGNORECASE)
_LEAST_WORDS = 2
MOST_PARTS = 3


def split(text: str) -> list[str]:
    """Return the parts of `text`, in order; one when it cannot be cut."""
    parts = []
    for sentence in _ENDS.split(text[: wording.MAX_CHARACTERS]):
        parts += _cut(sentence)
    parts = [_LEADING.sub("", part.strip()) for part in parts]
    return [part for part in parts if _counts(part)][:MOST_PARTS] or [text]


def _cut(sentence: str) -> list[str]:
    """Cut at joints only where either side can stand alone: "skirt and blouse" is one thing."""
    found = [sentence]
    start = 0
    for joint in _JOINTS.finditer(sentence):
        before, after = sentence[start : joint.start()], sentence[joint.end() :]
        if _counts(before) and _counts(after):
            found[-1:] = [before, after]
            start = joint.end()
    return found


def _counts(part: str) -> bool:
    return len(cleaning.WORD.findall(part)) >= _LEAST_WORDS
