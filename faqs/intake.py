"""Where an import comes from: a file, pasted text or a link. Rows out, for the preview."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from faqs import links, readers, room
from lib import fetching


class UnableToRead(Exception):
    """There is nothing to import; the message says what happened and what to do."""


@dataclass(frozen=True)
class Intake:
    """What was read, and the name that its import goes by."""

    name: str
    table: readers.Table


def of_file(*, data: bytes, name: str, now: datetime) -> Intake:
    """Read an uploaded file. Raises UnableToRead."""
    with _explained(now):
        return Intake(name, readers.read(data, name=name))


def of_text(*, text: str, now: datetime) -> Intake:
    """Read pasted text. Raises UnableToRead."""
    with _explained(now):
        return Intake("Pasted text", readers.read_text(text))


def of_link(*, address: str, now: datetime) -> Intake:
    """Fetch and read a page, a file or a Google Sheet. Raises UnableToRead."""
    with _explained(now):
        return Intake(address.strip(), links.read(address))


@contextmanager
def _explained(now: datetime) -> Iterator[None]:
    try:
        yield
    except readers.TooManyRows as error:
        raise UnableToRead(room.room(now=now).too_many(error)) from error
    except (readers.UnableToReadFile, fetching.UnableToFetch) as error:
        raise UnableToRead(str(error)) from error
