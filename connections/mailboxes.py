"""Both mailboxes at once: what they hold of one customer goes when that customer is erased."""

from collections.abc import Sequence

from lib import sql
from workspaces.models import Workspace

_THEIRS = (
    "workspace_id = %(workspace)s"
    " AND (subject = ANY(%(subjects)s) OR conversation_key = ANY(%(people)s))"
)
_FORGET = (
    # What nobody has dealt with yet would make the customer anew.
    f"DELETE FROM connections_inboundevent WHERE state = 'pending' AND {_THEIRS}",  # noqa: S608
    # The key stays, which makes a repeated delivery known, unless it names the customer.
    "UPDATE connections_inboundevent SET payload = NULL, conversation_key = '', error = '',"  # noqa: S608
    " key = CASE WHEN EXISTS (SELECT FROM unnest(%(people)s::text[]) AS p(value)"
    " WHERE strpos(key, ltrim(p.value, '+')) > 0) THEN 'erased:' || id ELSE key END"
    f" WHERE {_THEIRS}",
    # One that is being sent at this moment is its sender's; it holds no words any more.
    "DELETE FROM connections_outboundjob WHERE workspace_id = %(workspace)s AND state <> 'sending'"
    " AND (message_id = ANY(%(messages)s) OR conversation_key = ANY(%(people)s))",
    "UPDATE connections_outboundjob SET payload = NULL, conversation_key = ''"
    " WHERE workspace_id = %(workspace)s"
    " AND (message_id = ANY(%(messages)s) OR conversation_key = ANY(%(people)s))",
)


def forget(
    *,
    workspace: Workspace,
    message_ids: Sequence[int],
    subjects: Sequence[str],
    people: Sequence[str],
) -> None:
    """Remove the words, names and numbers of a customer from the inbox and the outbox.

    `subjects` are the provider's ids of their messages, `people` the keys under which their
    updates and sends keep their order. Reads the mailboxes from end to end: for rare use.
    """
    values = {
        "workspace": workspace.pk,
        "messages": list(message_ids),
        "subjects": list(subjects),
        "people": list(people),
    }
    for statement in _FORGET:
        sql.run(statement, values)
