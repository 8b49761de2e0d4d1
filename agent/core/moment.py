"""Times as people read them."""

from datetime import UTC, datetime


def moment(at: float) -> str:
    """Return the Unix time `at` for people: UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
