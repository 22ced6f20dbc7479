"""What tests.bench.inbox lets a process of its own do: fill a workspace, and open its pages."""

import gzip
import html
import json
import re
import statistics
import sys
import time
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - the settings must be there before
from django.db import connection as database  # noqa: E402
from django.test import Client  # noqa: E402

from billing import meters  # noqa: E402
from connections import manager  # noqa: E402
from lib import clock  # noqa: E402
from tests.bench import beside  # noqa: E402
from tests.bench.spaces_work import backend, cpu_seconds  # noqa: E402
from workspaces import registry, scope  # noqa: E402
from workspaces.models import User  # noqa: E402

EACH = 10  # messages of a conversation
LONG = 5_000  # of one of them
ROUNDS = 15

# Most are the bot's; one in ten is somebody's, one in twenty waits. A word in each message is
# said by one in 50,000, one in 500, and one in 2.
_FILL = """
INSERT INTO messaging_contact (id, name, username, phone, is_opted_out, is_marketing_opted_out,
    created_at, last_seen_at)
SELECT n, (ARRAY['Chiamaka','Tunde','Blessing','Emeka','Halima','Segun','Ngozi'])[1 + n %% 7] || ' '
    || (ARRAY['Okafor','Adeyemi','Bello','Eze','Musa'])[1 + n %% 5] || ' ' || to_hex(n), '',
    '+234806' || lpad(n::text, 7, '0'), false, false, now(), now() - n * interval '7 seconds'
FROM generate_series(1, %(count)s) n;
INSERT INTO messaging_contactidentity (contact_id, scope, kind, value, first_seen_at, last_seen_at)
SELECT id, 'whatsapp', 'phone', phone, created_at, last_seen_at FROM messaging_contact;
INSERT INTO messaging_conversation (id, contact_id, connection_id, state, holder, needs_person,
    needs_person_since, held_by_id, held_until, last_inbound_at, last_message_at, opened_at)
SELECT n, n, %(number)s, 'open', CASE WHEN n %% 10 = 0 THEN 'person' ELSE 'bot' END, n %% 20 = 1,
    CASE WHEN n %% 20 = 1 THEN now() END, CASE WHEN n %% 100 = 0 THEN %(user)s::bigint END,
    CASE WHEN n %% 10 = 0 THEN now() + interval '1 day' END,
    now() - n * interval '7 seconds', now() - n * interval '7 seconds', now() - interval '1 year'
FROM generate_series(1, %(count)s) n;
INSERT INTO messaging_message (conversation_id, direction, author, kind, text, content, text_digest,
    provider_message_id, reply_to_provider_id, status, error_code, error, is_deleted, is_edited,
    correlation, provider_at, created_at)
SELECT c, CASE WHEN m %% 2 = 0 THEN 'in' ELSE 'out' END,
    CASE WHEN m %% 2 = 0 THEN 'contact' ELSE 'bot' END, 'text',
    'How much is ' || (ARRAY['lace','ankara','aso oke','delivery','damask'])[1 + (c + m) %% 5]
    || ' to ' || (ARRAY['Lekki','Ikeja','Abuja','Kano','Yaba','Jos','Enugu'])[1 + (c * 3 + m) %% 7] || '?'
    || CASE WHEN c %% 500 = 7 THEN ' wholesale' ELSE '' END
    || CASE WHEN c %% 50000 = 11 THEN ' zanzibar' ELSE '' END,
    '{}', '', 'wamid.' || c || '.' || m, '', CASE WHEN m %% 2 = 0 THEN 'received' ELSE 'read' END, '', '',
    false, false, '', now() - c * interval '7 seconds' - m * interval '3 minutes',
    now() - c * interval '7 seconds' - m * interval '3 minutes'
FROM generate_series(1, %(count)s) c,
    LATERAL generate_series(0, CASE WHEN c = 3 THEN %(long)s ELSE %(each)s END - 1) m;
INSERT INTO messaging_tag (id, name) VALUES (1, 'vip'), (2, 'retail');
INSERT INTO messaging_contact_tags (contact_id, tag_id)
SELECT id, CASE WHEN id %% 1000 = 5 THEN 1 ELSE 2 END FROM messaging_contact
WHERE id %% 3 = 0 OR id %% 1000 = 5;
"""


def main(count: int) -> list[dict[str, Any]]:
    settings.ALLOWED_HOSTS = ["*"]
    # No files are collected here: their names stay as they are.
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"] = {"BACKEND": plain}
    space = registry.by_slug("big")
    assert space is not None
    with scope.system():
        user = User.objects.get(email="big@example.com")
    with scope.workspace(space):
        number = manager.add(
            workspace=space, provider="cloud_api", phone="+15550783881", external_id="1", account_id="1",
            secrets={"access_token": "t"}, actor=None, now=clock.now(), is_verified=True,
        )  # fmt: skip
        began = time.perf_counter()
        with database.cursor() as cursor:
            cursor.execute(
                _FILL,
                {"count": count, "number": number.pk, "user": user.pk, "long": LONG, "each": EACH},
            )
            values: dict[str, Any] = {**_beside(space.pk), "number": number.pk, "user": user.pk}
            cursor.execute(beside.FILL, values)
        filled = time.perf_counter() - began
    with scope.owner(space.schema_name), database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT max(id) - 90000 FROM public.workspaces_auditentry")
        named = {"deep": cursor.fetchone()[0], "before": _month_before()}
    client = Client()
    client.force_login(user, "allauth.account.auth_backends.AuthenticationBackend")
    lines = [_line("inbox_fill_seconds", filled, "s", has_bar=False)]
    at = "/w/big/conversations/"
    pages = {
        **{f"list_{view}": f"{at}?view={view}" for view in ("all", "needs", "mine", "person", "bot")},
        "list_tag_rare": f"{at}?tag=vip",
        "list_tag_common": f"{at}?tag=retail",
        "list_deep": f"{at}?view=all&before={_deep(count)}",
        "list_bot_deep": f"{at}?view=bot&before={_deep(count)}",
        "search_name": f"{at}?q=chiamaka+okafor",
        "search_name_begun": f"{at}?q=hal",
        "search_phone": f"{at}?q=0806000{count // 2:04d}"[:80],
        "search_last_digits": f"{at}?q={count // 2:04d}",
        "search_word_rare": f"{at}?q=zanzibar",
        "search_word_some": f"{at}?q=wholesale",
        "search_word_common": f"{at}?q=how+much",
        "search_word_begun": f"{at}?q=whole",
        "search_word_one_in_seven": f"{at}?q=lekki",
        "search_word_nowhere": f"{at}?q=quetzalcoatl",
        "thread_short": f"{at}17/",
        "thread_long": f"{at}3/",
    }  # fmt: skip
    for name, url in pages.items():
        lines.append(_timed(client, f"inbox_{name}_ms", url))
    for name, url in (("list", at), ("thread", f"{at}3/")):
        known = _known(client, url)
        lines.append(_timed(client, f"inbox_poll_{name}_ms", f"{at}live/", known, wanted=204))
    lines.append(_first(client))
    for name, url in {"home": "/w/big/", **beside.PAGES}.items():
        lines.append(_timed(client, f"big_{name}_ms", url.format(**named)))
    return lines


def _beside(space_id: int) -> dict[str, int | str]:
    return {
        "space": space_id, "entries": beside.ENTRIES, "audited": beside.AUDITED,
        "counted": beside.COUNTED, "sent": meters.MESSAGES_SENT, "received": meters.MESSAGES_RECEIVED,
    }  # fmt: skip


def _month_before() -> str:
    return f"{clock.now().replace(day=1) - timedelta(days=1):%Y-%m}"


def _first(client: Client) -> dict[str, Any]:
    """Open the home page for the first time: it counts thirty days, and keeps them."""
    began = time.perf_counter()
    assert client.get("/w/big/").status_code == 200
    spent = (time.perf_counter() - began) * 1000
    return _line("big_home_first_ms", spent, "ms", has_bar=False)


def _deep(count: int) -> str:
    with scope.workspace(registry.by_slug("big")), database.cursor() as cursor:  # type: ignore[arg-type]
        cursor.execute(
            "SELECT round(extract(epoch FROM last_message_at) * 1000000)::bigint, id"
            " FROM messaging_conversation WHERE id = %s",
            [count * 9 // 10],
        )
        micros, pk = cursor.fetchone()
    return f"{micros}.{pk}"


def _known(client: Client, url: str) -> dict[str, str]:
    page = client.get(url).content.decode()
    if 'id="latest"' in page:
        page += client.get("/w/big/conversations/?beside=3", headers={"hx-request": "true"}).content.decode()  # fmt: skip
    found = {}
    for field in re.findall(r"<input type=.hidden.[^>]*data-live[^>]*>", page):
        name, value = re.search(r'name="(\w+)"', field), re.search(r'value="([^"]*)"', field)
        if name and value:
            found[name[1]] = html.unescape(value[1])
    return found


def _timed(
    client: Client, name: str, url: str, fields: dict[str, str] | None = None, wanted: int = 200
) -> dict[str, Any]:
    taken: list[float] = []
    queries: list[float] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        answer = execute(sql, params, many, context)
        queries.append(time.perf_counter() - began)
        return answer

    client.get(url, fields or {})  # the first one reads the templates and the blocks
    pid = backend()
    spent = -time.process_time() - cpu_seconds(pid)
    for _ in range(ROUNDS):
        queries.clear()
        began = time.perf_counter()
        with database.execute_wrapper(watch):
            answer = client.get(url, fields or {})
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (wanted, 200), (url, answer.status_code)
    assert backend() == pid
    spent += time.process_time() + cpu_seconds(pid)
    return _line(
        name, spent * 1000 / ROUNDS, "ms", wall_ms=round(statistics.median(taken), 1),
        best_wall_ms=round(min(taken), 1), longest_query_ms=round(max(queries) * 1000, 1),
        queries=len(queries), status=answer.status_code, bytes=len(answer.content),
        packed_bytes=len(gzip.compress(answer.content, 6)),
    )  # fmt: skip


def _line(
    name: str, value: float, unit: str, *, has_bar: bool = True, **more: Any
) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "has_bar": has_bar, "more": more}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
