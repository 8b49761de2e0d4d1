"""One SQLite file: the deviation ledger and the outbox, in one transaction."""
