"""What schemathesis is told besides the document: how lines of events are sent. Loaded by it, in its own environment."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")  # type: ignore[untyped-decorator]  # of another environment
def lines(_context: object, value: object) -> bytes:
    """Send a text as it is."""
    return str(value).encode("utf-8", "surrogatepass")
