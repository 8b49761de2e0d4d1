"""What holds for every test: a law is judged by what it finds, not by how long a busy machine takes for it.

Where `NOTHING_IS_SKIPPED` is set, as in CI, a test fails that is skipped for its mark, or for a program that is not there: what
it could want is installed. What the kernel of a machine refuses stays a reason.
"""

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

_OTHERS = frozenset({"root may search every folder"})
"""Reasons that hold on a Debian, for root."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and "NOTHING_IS_SKIPPED" in os.environ:
        reason = str(call.excinfo.value) if call.excinfo is not None else ""
        named = reason in {mark.kwargs.get("reason") for mark in item.iter_markers("skipif")} - _OTHERS
        if sys.platform == "linux" and (named or "not installed" in reason):
            report.outcome, report.longrepr = "failed", f"skipped where nothing is to be: {reason}"
    return report
