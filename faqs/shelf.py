"""What answers, made ready in this process: each workspace's model and texts, the least used
thrown out first.

The model ranks, the texts are the entries as they are now: an answer that was changed is given
changed at once, one that was switched off is not given, whatever the model still holds. Where
there is no model (none is trained yet, or this machine has no language model) an index of words
ranks (faqs.index).
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from django.conf import settings

from faqs import identity, index
from faqs.encoder import optional
from faqs.engine import certainty, model
from faqs.engine.answering import Answerer
from faqs.models import Entry, TrainedModel
from faqs.sources import sources
from faqs.versions import Current
from lib import events

# An entry without its texts, as Python keeps it.
_ENTRY_BYTES = 500


@dataclass(frozen=True)
class Text:
    """What an entry says to customers."""

    faq_id: str
    question: str
    answer: str


Texts = Mapping[int, Text]


@dataclass(frozen=True)
class Ready:
    """What a workspace's questions are answered with. `engine` ranks, `texts` are answered."""

    current: Current
    texts: Texts
    engine: Answerer | index.Index
    size: int  # bytes

    @cached_property
    def words(self) -> index.Index:
        """What ranks by words, for as long as the encoder fails; made in the workspace's scope."""
        return self.engine if isinstance(self.engine, index.Index) else index.Index(sources())


def usable(current: Current) -> Current:
    """Return what of `current` counts on this machine: without an encoder no model does."""
    return current if optional.encoder() is not None else replace(current, model=0, fitted=0)


class Shelf:
    """Keeps what is ready, by workspace. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Ready] = OrderedDict()
        self._making: dict[int, threading.Lock] = {}
        self._size = 0

    def of(self, workspace_id: int, current: Current) -> Ready:
        """Return what answers as of `current`; makes it, in the workspace's scope, if need be."""
        with self._lock:
            if kept := self._get(workspace_id, current):
                return kept
            making = self._making.setdefault(workspace_id, threading.Lock())
        # Outside the shelf's lock: other workspaces do not wait, and nobody makes it twice.
        with making:
            with self._lock:
                if kept := self._get(workspace_id, current):
                    return kept
                before = self._kept.get(workspace_id)
            ready = self._make(workspace_id, current, before)
            with self._lock:
                self._put(workspace_id, ready)
                self._making.pop(workspace_id, None)
        return ready

    def _get(self, workspace_id: int, current: Current) -> Ready | None:
        kept = self._kept.get(workspace_id)
        if kept is None or kept.current != current:
            return None
        self._kept.move_to_end(workspace_id)
        return kept

    def _put(self, workspace_id: int, ready: Ready) -> None:
        before = self._kept.pop(workspace_id, None)
        self._size += ready.size - (before.size if before else 0)
        self._kept[workspace_id] = ready
        while len(self._kept) > 1 and self._size > settings.FAQ_INDEX_MB * 1_000_000:
            _, dropped = self._kept.popitem(last=False)
            self._size -= dropped.size

    def _make(self, workspace_id: int, current: Current, before: Ready | None) -> Ready:
        known = before if before and before.current.entries == current.entries else None
        texts = known.texts if known else _texts()
        engine = _answerer(current, before)
        if engine is None:
            current = replace(current, model=0, fitted=0)
            by_words = known.engine if known and isinstance(known.engine, index.Index) else None
            by_words = by_words or index.Index(sources())
            return Ready(current, texts, by_words, by_words.size + _size_of(texts))
        return Ready(current, texts, engine, engine.model.size + _size_of(texts))


def _answerer(current: Current, before: Ready | None) -> Answerer | None:
    """Return what asks the workspace's model; None where there is none that can be asked."""
    encoder = optional.encoder()
    if encoder is None or not current.model:
        return None
    is_same = before is not None and before.current == replace(
        current, entries=before.current.entries
    )
    if before and is_same and isinstance(before.engine, Answerer):
        return before.engine
    row = TrainedModel.objects.filter(encoder=identity.of_models()).first()
    if row is None:
        return None
    try:
        loaded = model.from_bytes(bytes(row.data), encoder=identity.of_models())
        own = certainty.from_json(row.certainty) if row.certainty else None
    except (model.UnableToLoad, KeyError, TypeError) as error:
        events.publish(
            "faqs.model.unusable", meta={"error": type(error).__name__}, level=logging.WARNING
        )
        # Nothing is lost: it is made of the entries, and shall be made anew.
        TrainedModel.objects.filter(pk=row.pk, trained_at=row.trained_at).delete()
        return None
    return Answerer.of(loaded, encoder, own)


def _texts() -> dict[int, Text]:
    rows = Entry.objects.filter(is_active=True)
    return {
        pk: Text(faq_id, question, answer)
        for pk, faq_id, question, answer in rows.values_list("pk", "faq_id", "question", "answer")
    }


def _size_of(texts: Texts) -> int:
    letters = sum(len(one.question) + len(one.answer) for one in texts.values())
    return _ENTRY_BYTES * len(texts) + letters
