"""Query threads, and what the errors of the database mean."""
