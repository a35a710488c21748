"""Questions: reads that return rows or small frozen dataclasses. Nothing is written here."""
