"""WebSocket handshakes: origin check, concurrency limit, session, and unavailability."""
