"""Pages and forms: the HTTP transport for browsers."""
