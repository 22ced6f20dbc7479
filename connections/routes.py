"""Where the process is that holds a number's line: asked for each claim of a linked number."""

from psycopg.types.numeric import Int8

from connections import providers
from connections.models import Connection
from lib import sql

_ROUTE = """
SELECT s.owner_url FROM connections_linkedsession s
WHERE s.connection_id = %s AND s.workspace_id = %s AND s.state = 'open'
  AND s.lease_until > clock_timestamp()
"""


def route_to(connection: Connection) -> str:
    """Return the address of the process that holds the number's line; "": none does, or is needed."""
    try:
        if not providers.get(connection.provider).is_linked:
            return ""
    except providers.UnknownProvider:
        return ""
    values = [Int8(connection.pk), Int8(connection.workspace_id)]
    found = sql.fetch(_ROUTE, values, prepare=True)
    return str(found[0][0] or "") if found else ""
