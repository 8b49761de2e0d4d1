"""Batches in groups: a bounded queue in front of one thread that stores many batches per transaction."""
