"""These tests run on Windows, or under Wine by `make test-windows`; elsewhere they are not collected."""

import sys

import pytest

from tests.sim.wine import NOT_SHOWN, UNDER_WINE

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a green run under Wine does not prove."""
    if UNDER_WINE:
        terminalreporter.section("what Wine cannot show")
        for what in NOT_SHOWN:
            terminalreporter.line(f"- {what}")
