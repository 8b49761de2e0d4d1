"""The HTTP edge: what arrives becomes values of the core, what leaves is rendered; nothing is decided here."""
