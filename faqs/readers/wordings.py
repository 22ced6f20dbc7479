"""How people write questions and answers: the marks before them, numbers, words that ask."""

import re

from faqs.readers.blocks import QUESTION_MARKS

_LONGEST = 300  # a longer line is no question that an entry could have
# A single letter needs its punctuation, so that "A-line gowns" is no answer mark.
_ASKED = re.compile(
    r"(?i)\W{0,3}(?:(?:que|ques|quest|question)\.?\s{0,2}(?:no\.?\s?)?\d{0,4}|q\s?\d{0,4}|faq\s?\d{1,4})"
    r"(?:\s{0,2}[:.)\]]\**\s*|\s{1,2}[-–—]\s*|[-–—]\s+|(?<=\d)\s+|\s*$)"
)
_ANSWERED = re.compile(
    r"(?i)\W{0,3}(?:(?:ans|answer|reply|response)\.?\s{0,2}\d{0,4}|a\s?\d{0,4})"
    r"(?:\s{0,2}[:.)\]]\**\s*|\s{1,2}[-–—]\s*|[-–—]\s+|(?<=\d)\s+)"
)
_ANSWER_ALONE = re.compile(
    r"(?i)\W{0,3}(?:(?:ans|answer|reply|response)\.?\s{0,2}\d{0,4}|a\s?\d{1,4})\W{0,3}"
)
# In the middle of a line: "Q: Do you deliver? A: Yes."
_ANSWER_INSIDE = re.compile(r"(?<=\s)\**(?:A|Ans|ANS|Answer|ANSWER)\s{0,2}\d{0,4}\s{0,2}[:.]\**\s+")
_NUMBER = re.compile(
    r"\(?(?:\d{1,3}(?:\.\d{1,2}){0,2}|[ivxIVX]{1,4})\s?[.):](?=\D)\s*|\d{1,3}\s?[-–—]\s+"
)
_ORNAMENT = re.compile(r"[^\w(\"'“‘₦$#/¿]+")
_END = re.compile(r"[*_\s:.…)\"'”’\]]+$")
_SENTENCE_END = re.compile(r"[.!;]\s")
_INLINE = re.compile(r"([^?？؟]{6,280}[?？؟])[*_]{0,2}\s*[-–—:]?\s+(\S.*)")
_ASKING = re.compile(
    r"(?i)(?:(?:and|so|but|please|pls|abeg|hi|hello)[, ]+)?"
    r"(?:how|what|what's|when|where|where's|who|whom|whose|why|which|can|could|do|does|did|is|are|"
    r"am|will|would|should|may|have|has|una|wetin|shey|do you|i want to know)\b"
)


def asked(text: str) -> str | None:
    """Return what stands behind a question's mark ("Q1:"), or None when there is no mark."""
    found = _ASKED.match(text)
    return text[found.end() :] if found else None


def answered(text: str) -> str | None:
    """Return what stands behind an answer's mark ("A:", "Ans."), or None when there is none."""
    found = _ANSWERED.match(text) or _ANSWER_ALONE.fullmatch(text)
    return text[found.end() :] if found else None


def split_answer(text: str) -> tuple[str, str]:
    """Return a marked question, and the answer that its line goes on with, if any."""
    found = _ANSWER_INSIDE.search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, "")


def split_inline(text: str) -> tuple[str, str] | None:
    """Return question and answer of a line like "Do you deliver? Yes.", or None."""
    found = _INLINE.fullmatch(_bare(text))
    if found is None or _SENTENCE_END.search(found[1]) or not _ASKING.match(found[1]):
        return None
    return found[1], found[2]


def is_numbered(text: str) -> bool:
    """Say whether the line begins with the number of a list."""
    return bool(_NUMBER.match(text))


def question_of(text: str) -> str:
    """Return a question without its number, its bullet and its markup."""
    return _bare(text).rstrip("*_ ").strip()


def reads_like_question(text: str, *, stands_out: bool) -> bool:
    """Say whether a line asks something.

    One that stands out (a heading, in bold, numbered) may lack the question mark or have a
    sentence before it; a plain one would be taken out of the middle of an answer.
    """
    shown = _bare(text)
    if not 3 <= len(shown) <= _LONGEST:
        return False
    if _END.sub("", shown).endswith(QUESTION_MARKS):
        return stands_out or not _SENTENCE_END.search(shown)
    return stands_out and bool(_ASKING.match(shown)) and not _SENTENCE_END.search(shown + " ")


def _bare(text: str) -> str:
    text = _ORNAMENT.sub("", text, count=1) if _ORNAMENT.match(text) else text
    found = _NUMBER.match(text)
    text = text[found.end() :] if found else text
    return _ORNAMENT.sub("", text, count=1) if _ORNAMENT.match(text) else text
