"""How the database would run a statement."""

from django.db import connection


def plan_of(sql: str, *, table: str) -> str:
    """The plan of `sql` as text. `table` must have thousands of rows: for a small one PostgreSQL is right to
    prefer another plan.

    PostgreSQL's statistics are taken before: without them the plan depends on when autovacuum last came.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
        return str(cursor.fetchall())
