"""Query threads and database errors."""
