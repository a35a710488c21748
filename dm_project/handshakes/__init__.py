"""WebSocket handshakes: origin check, concurrency limit, session, and the answer while the service is unavailable."""
