"""What a schema looks like, so that two can be compared."""

from typing import Any

from django.db import connection as database

from workspaces import scope


def shape(schema: str) -> dict[str, list[Any]]:
    """Everything that makes a schema's tables what they are, without its name."""
    questions = {
        "columns": "SELECT table_name, ordinal_position, column_name, data_type, udt_name, character_maximum_length,"
        " numeric_precision, is_nullable, replace(coalesce(column_default, ''), table_schema, 'S'), is_identity,"
        " identity_generation FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2",
        "indexes": "SELECT tablename, indexname, replace(indexdef, schemaname, 'S') FROM pg_indexes"
        " WHERE schemaname = %s ORDER BY 1, 2",
        "constraints": "SELECT c.relname, k.conname, k.contype, k.condeferrable, k.condeferred,"
        " replace(pg_get_constraintdef(k.oid), n.nspname, 'S') FROM pg_constraint k"
        " JOIN pg_namespace n ON n.oid = k.connamespace JOIN pg_class c ON c.oid = k.conrelid"
        " WHERE n.nspname = %s ORDER BY 1, 2",
        "sequences": "SELECT sequencename, data_type::text, start_value, increment_by FROM pg_sequences"
        " WHERE schemaname = %s ORDER BY 1",
        "rights": "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_schema = %s AND grantee LIKE 'backroom%%' ORDER BY 1, 2, 3",
        "others": "SELECT c.relname, c.relkind::text, c.relrowsecurity FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s ORDER BY 1",
    }
    found: dict[str, list[Any]] = {}
    with scope.owner(), database.cursor() as cursor:
        for name, question in questions.items():
            cursor.execute(question, [schema])
            found[name] = cursor.fetchall()
        cursor.execute(
            f'SELECT app, name FROM "{schema}".django_migrations'
            " WHERE app IN ('faqs', 'messaging') ORDER BY 1, 2"
        )
        found["migrations"] = cursor.fetchall()
    return found
