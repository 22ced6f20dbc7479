"""Is this process able to serve? For load balancers and for whoever waits for the start."""

from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and its tables are there, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.connections_outboundjob') IS NOT NULL")
            is_ready = bool(cursor.fetchone()[0])
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    if not is_ready:
        return JsonResponse({"status": "not migrated"}, status=503)
    return JsonResponse({"status": "ok"})
