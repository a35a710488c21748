"""Django's PostgreSQL back end with a pool that says at once when the database is away, and statements that cannot hang for ever."""
