"""Background tasks of a process: polling for changes and revoked sessions, and tracking activity."""
