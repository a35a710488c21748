"""The one allowed use of signals: a session ended elsewhere, and its live sockets are told."""
