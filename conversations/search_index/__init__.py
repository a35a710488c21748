"""Search index of messages: words, typed queries, and the statements of its table."""
