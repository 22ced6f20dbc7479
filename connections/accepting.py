"""Writing down what the provider took: the sends, their receipts and the number, in one statement."""

import json
from collections.abc import Sequence
from datetime import datetime

from psycopg.types.numeric import Int8

from connections import inbox
from connections.models import Connection, OutboundJob
from connections.providers.base import SendReceipt
from lib import sql

# Rows are locked in the order of their ids, as statuses lock them. The commit waits for the disk:
# were it taken back by a crash of the server, nobody would hold the claim any more, and what the
# provider has would look as if it had never been begun (connections.leases).
_ACCEPT = f"""
WITH {inbox.SAID},
held AS MATERIALIZED (
    SELECT id FROM connections_outboundjob WHERE id = ANY(ARRAY(SELECT id FROM said))
    ORDER BY id FOR UPDATE),
accepted AS (
    UPDATE connections_outboundjob j SET state = 'accepted', provider_message_id = said.name,
        settled_at = %(now)s, error_code = '', vendor_code = '', error = ''
    FROM said
    WHERE j.id = ANY(ARRAY(SELECT id FROM held)) AND j.id = said.id
      AND j.state IN ('sending', 'unknown', 'queued') AND j.claimed_at = said.claimed_at AND j.attempts > 0),
told AS ({inbox.TELL}),
noted AS (
    UPDATE connections_connection SET last_outbound_at = %(now)s
    WHERE id = %(connection)s AND %(is_noted)s)
SELECT EXISTS (SELECT FROM connections_outboundjob WHERE connection_id = %(connection)s
    AND state = 'queued' AND due_at <= %(now)s)
"""  # noqa: S608 - constants only


def accept_all(
    *,
    connection: Connection,
    sent: Sequence[tuple[OutboundJob, SendReceipt]],
    now: datetime,
    is_noted: bool = False,
) -> bool:
    """Record what the provider took of a number's sends, and tell the conversations' keeper.

    One statement, which is a transaction of its own when none is open. Returns whether more is
    due on the number. Also when a claim was given up meanwhile (the machine slept, the database
    was away): the answer did come. `is_noted`: it is written down that the number sends.
    """
    said = []
    for place, (job, receipt) in enumerate(sent):
        row: dict[str, object] = {"id": job.pk}
        if job.message_id is not None:
            facts = {"provider_message_id": receipt.message_id, "ms": receipt.ms}
            row = inbox.receipt(job, "sent", facts, now)
        said.append({**row, "place": place, "name": receipt.message_id, "claimed_at": _moment(job)})
    values = {
        "said": json.dumps(said), "connection": Int8(connection.pk),
        "provider": connection.provider, "now": now, "is_noted": is_noted,
    }  # fmt: skip
    ((has_more,),) = sql.fetch(_ACCEPT, values, prepare=True)
    return bool(has_more)


def _moment(job: OutboundJob) -> str | None:
    return job.claimed_at.isoformat() if job.claimed_at else None
