"""The wire protocol: every frame and every object of the HTTP API, as strict models.

Pure Python: no Django, no database, no socket. docs/protocol.md is its published form.
"""
