"""Attachments: the files of messages on disk or in an object store, apart from the rows that name them."""
