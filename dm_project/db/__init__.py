"""Database drivers: the SQLite library, and the timeouts of PostgreSQL connections."""
