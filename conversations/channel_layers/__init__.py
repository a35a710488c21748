"""Channel layers: in-process and Redis."""
