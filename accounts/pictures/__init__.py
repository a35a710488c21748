"""Uploaded pictures: a sandboxed worker process decodes them and encodes them again."""
