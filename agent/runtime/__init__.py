"""Threads and their order: supervisor, mailbox, pipeline, delivery, clock, backoff."""
