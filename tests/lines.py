"""What the log would say, line by line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lib import events


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(events.JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def heard(name: str | None = None, *, masks: logging.Filter | None = None) -> Iterator[list[str]]:
    """Yield the lines that the logger of this name (None: the root) gets meanwhile, from INFO on."""
    handler = _Lines()
    if masks is not None:
        handler.addFilter(masks)
    logger = logging.getLogger(name)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
