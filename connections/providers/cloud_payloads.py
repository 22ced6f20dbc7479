"""Cloud API webhook bodies -> Updates. The envelope: entries, changes, values and their lists.

Accepted are Meta's envelope, one change alone (Meta's test button sends that) and a value
alone (the old form of some resellers, which names no number). Whatever is inside, twenty
updates of which one is nonsense give nineteen and one UNSUPPORTED.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connections.events import Kind, Update
from connections.providers import (
    cloud_messages,
    cloud_news,
    cloud_people,
    cloud_statuses,
    untrusted,
    update_keys,
)
from connections.providers.base import UnableToRead
from connections.providers.cloud_place import Place
from lib import phones

log = logging.getLogger(__name__)

# Meta batches at most 1,000 updates, and 3 MB hold no 20,000 real ones. Beyond these, what
# somebody sends to wear us out is kept in one piece instead of one by one.
MAX_UNSUPPORTED = 1_000
MAX_ITEMS = 20_000

_Translate = Callable[[Place, dict[str, Any]], Update]
_LISTS: dict[str, _Translate] = {
    "messages": cloud_messages.message,
    "statuses": cloud_statuses.status,
    "message_echoes": cloud_messages.echo,
    "calls": cloud_news.call,
    "user_preferences": cloud_news.preference,
    "history": cloud_news.history,
    "state_sync": cloud_news.contact_sync,
}
_LISTS_BY_FIELD: dict[str, dict[str, _Translate]] = {
    "standby": {**_LISTS, "messages": cloud_messages.standby},
}
# Fields whose whole value is one piece of news about the account.
_ACCOUNT_FIELDS = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_settings_update",
        "account_update",
        "business_capability_update",
        "business_status_update",
        "flows",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "partner_solutions",
        "payment_configuration_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "template_category_update",
        "template_correct_category_detection",
    }
)
_BARE_VALUE = frozenset({*_LISTS, "contacts", "errors", "metadata"})


def read(body: bytes) -> list[Update]:
    """Return the updates in `body`. Raises UnableToRead when it is not this format at all."""
    document = untrusted.parse(body)
    if not isinstance(document, dict):
        raise UnableToRead("The body is not a JSON object.")
    found = _Found()
    if "entry" in document or "object" in document:
        _read_envelope(document, found)
    elif "changes" in document:
        _read_entry(document, found)
    elif "value" in document:
        _read_change(document, Place(), found)
    elif _BARE_VALUE.intersection(document):
        _read_value(document, Place(), found)
    else:
        raise UnableToRead("The body is not a WhatsApp webhook.")
    return found.updates()


class _Found:
    """What has been found so far: one update per key, and nonsense not without end."""

    def __init__(self) -> None:
        self._by_key: dict[str, Update] = {}
        self._item_count = self._unsupported_count = 0
        self._rest: list[Any] = []

    def add(self, translate: _Translate, place: Place, item: Any) -> None:
        self._item_count += 1
        if self._item_count > MAX_ITEMS:
            self._rest.append(item)
            return
        try:
            known = translate if isinstance(item, dict) else Place.unsupported
            update = known(place, item)
        except Exception:  # our own bug: the neighbours still count, the log says where
            log.exception("An update could not be translated.")
            update = Place.unsupported(place, item, "untranslated")
        if update.key in self._by_key:
            return
        if update.kind is Kind.UNSUPPORTED:
            self._unsupported_count += 1
            if self._unsupported_count > MAX_UNSUPPORTED:
                self._rest.append(item)
                return
        self._by_key[update.key] = update

    def updates(self) -> list[Update]:
        found = list(self._by_key.values())
        if self._rest:
            found.append(Place.unsupported(Place(), self._rest, "too_much_nonsense"))
        return found


def _read_envelope(document: dict[str, Any], found: _Found) -> None:
    # `object` does not decide: what other products of Meta send is recognised by nobody below.
    if document.get("entry") is None:
        found.add(Place.unsupported, Place(), document)
    for entry in untrusted.list_of(document, "entry"):
        _read_entry(entry, found)


def _read_entry(entry: Any, found: _Found) -> None:
    place = Place(
        account_id=untrusted.cap(untrusted.text_of(entry, "id"), update_keys.MAX_ACCOUNT),
        at=untrusted.time_of(entry, "time"),
    )
    changes = untrusted.list_of(entry, "changes")
    if not changes:
        found.add(Place.unsupported, place, entry)
    for change in changes:
        _read_change(change, place, found)


def _read_change(change: Any, place: Place, found: _Found) -> None:
    field = untrusted.text_of(change, "field")[:60]
    values = untrusted.list_of(change, "value")
    if not values:
        found.add(Place.unsupported, replace(place, field=field), change)
    for value in values:
        _read_value(value, place, found, field=field)


def _read_value(value: Any, entry: Place, found: _Found, *, field: str = "") -> None:
    metadata = untrusted.dict_of(value, "metadata")
    number_id = untrusted.text_of(metadata, "phone_number_id")
    # Made once and whole: this is the door's way, thousands of times a second.
    place = Place(
        field=field,
        account_id=entry.account_id,
        at=entry.at,
        number_id=untrusted.cap(number_id, update_keys.MAX_ACCOUNT),
        our_phone=phones.from_whatsapp(untrusted.text_of(metadata, "display_phone_number")),
        profiles=cloud_people.profiles(value),
    )
    if place.field in _ACCOUNT_FIELDS and isinstance(value, dict):
        found.add(cloud_news.account, place, value)
        return
    ids: list[str] = []
    is_known = False
    for name, translate in _LISTS_BY_FIELD.get(field, _LISTS).items():
        if not isinstance(value, dict) or name not in value:
            continue
        items = untrusted.list_of(value, name)
        is_known = is_known or bool(items)
        in_list = place.alone() if len(items) == 1 else place
        for item in items:
            ids.append(untrusted.text_of(item, "id"))
            found.add(translate, in_list, item)
    if errors := untrusted.list_of(value, "errors"):
        is_known = True
        # The same error may come again: the one message it stands beside tells them apart.
        about = ids[0] if len(ids) == 1 else ""
        found.add(cloud_news.account_errors, place, {"errors": errors, "about": about})
    if not is_known:
        found.add(Place.unsupported, place, value)
