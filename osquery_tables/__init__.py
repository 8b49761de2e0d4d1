"""osquery tables over the status document (a program of its own)."""
