"""What could not be looked at stands for everything below it, on every system."""

import pytest

from agent.core.deviation import Findings, Key, Sighting
from agent.core.observation import Scope

KEY = Key("server.unapproved.configured", "x")


@pytest.mark.parametrize(
    ("unseen", "path", "sighting"),
    [
        ("/home/ann", "/home/ann/.cursor/mcp.json", Sighting.UNKNOWN),
        ("/home/an", "/home/ann/.cursor/mcp.json", Sighting.GONE),
        (r"C:\Users\ann", r"C:\Users\ann\.cursor\mcp.json", Sighting.UNKNOWN),
        (r"C:\Users\an", r"C:\Users\ann\.cursor\mcp.json", Sighting.GONE),
        ("C:\\", r"C:\Users\ann\.cursor\mcp.json", Sighting.UNKNOWN),
        (r"\\wsl$\Debian", r"\\wsl$\Debian\home\ann\.cursor\mcp.json", Sighting.UNKNOWN),
        (None, r"C:\Users\ann\.cursor\mcp.json", Sighting.UNKNOWN),
        (r"C:\Users\ann\.cursor\mcp.json\x", r"C:\Users\ann\.cursor\mcp.json", Sighting.GONE),
    ],
)
def test_a_folder_that_was_not_seen_closes_nothing_below_it(unseen: str | None, path: str, sighting: Sighting) -> None:
    hidden = frozenset({str(Scope("config", "ann", "cursor", unseen))})
    found = Findings(looked=frozenset({"config"}), inconclusive=hidden)
    assert found.sighting(KEY, (str(Scope("config", "ann", "cursor", path)),)) is sighting
