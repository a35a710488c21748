"""The fault suite within `make test`: its checker, its rows, and a short run of it."""
