"""The proxy that Windows prescribes to services is the way of reports."""

import sys

import pytest

if sys.platform == "win32":
    import ctypes
    from collections.abc import Iterator

    from agent.host.proxies_windows import machine_proxies
    from agent.sinks.proxies import proxy_for

    class _Given(ctypes.Structure):
        _fields_ = (("access", ctypes.c_ulong), ("proxy", ctypes.c_wchar_p), ("bypass", ctypes.c_wchar_p))

    @pytest.fixture
    def winhttp(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """What `netsh winhttp set proxy` does, and takes back."""
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        api = ctypes.WinDLL("winhttp", use_last_error=True)
        given = _Given(3, "proxy.example.com:3128", "*.corp.example;<local>")
        assert api.WinHttpSetDefaultProxyConfiguration(ctypes.byref(given)), ctypes.get_last_error()
        yield
        assert api.WinHttpSetDefaultProxyConfiguration(ctypes.byref(_Given(1, None, None))), ctypes.get_last_error()

    @pytest.mark.usefixtures("winhttp")
    def test_reports_go_where_services_go() -> None:
        assert machine_proxies() == ("proxy.example.com:3128", "*.corp.example;<local>")
        assert proxy_for("https://reports.example.com/v1", "system") == "http://proxy.example.com:3128"
        assert proxy_for("https://reports.corp.example/v1", "system") is None

    def test_nothing_is_prescribed_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HTTPS_PROXY", raising=False)
        assert proxy_for("https://reports.example.com/v1", "system") is None
