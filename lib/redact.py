"""Keep message text, phone numbers, addresses and secrets out of every log line."""

import logging
import re

# Every quantifier is bounded: an unbounded e-mail pattern takes seconds on 40 kB of letters.
_MAX_VALUE = 500
_PATTERNS = (
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"), "[email]"),
    (re.compile(r"\bEAA[A-Za-z0-9]{16,400}|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,200}"), "[token]"),
    (
        re.compile(r"(?i)\b(bearer|access_token|api[-_]?key)([=:\s\"']{1,4})[^\s\"'&,]{4,400}"),
        r"\1\2[token]",
    ),
    # A phone number, however written: 10 to 15 digits with + or 0 or a country code before.
    (re.compile(r"(?<![\w.-])\+?\(?\d(?:[ ()-]{0,2}\d){9,14}(?![\w-])"), "[phone]"),
    (re.compile(r"(?i)(://[^/\s:@]{0,64}):[^/\s@]{1,200}@"), r"\1:[secret]@"),
)


def text(value: str) -> str:
    """Return `value`, cut to 500 characters, with tokens, e-mails and phone numbers masked."""
    shown = value if len(value) <= _MAX_VALUE else value[:_MAX_VALUE] + "…"
    for pattern, mask in _PATTERNS:
        shown = pattern.sub(mask, shown)
    return shown


class Filter(logging.Filter):
    """Masks what other people's log lines carry; ours hold ids only."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "is_event", False):
            record.msg = text(record.getMessage())
            record.args = ()
        return True
