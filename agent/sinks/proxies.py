"""The way to a destination: straight, through the proxy of the settings, or through the one that the system prescribes.

The system's is what the environment of the service says (`HTTPS_PROXY`, `NO_PROXY` …), else the network settings of macOS, or
on Windows those of the machine's services (WinHTTP). An automatic configuration (PAC, WPAD) is a program that comes from the
network: it is not run, so that a proxy which only such a file names has to be named in the settings.
"""

import fnmatch
import sys
from urllib.parse import quote, urlsplit

from requests.utils import get_environ_proxies, select_proxy, should_bypass_proxies

SYSTEM, NONE = "system", "none"


def proxy_for(url: str, setting: str, credential: str | None = None) -> str | None:
    """Return the proxy by which `url` is reached, None for a straight way.

    `setting` is `system`, `none`, or the proxy's own URL; `credential` is `user:password` for the proxy.
    """
    if setting == NONE:
        return None
    proxy = _of_system(url) if setting == SYSTEM else setting
    return proxy if proxy is None or credential is None else _with(proxy, credential)


def shown(proxy: str) -> str:
    """Return host and port of a proxy: all of it that is fit to be shown."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def of_list(url: str, proxies: str, bypass: str) -> str | None:
    """Return the proxy for `url` by a list as Windows keeps it: `host:port`, or `http=host:port;https=host:port`.

    `bypass` names the hosts that are reached straight, by patterns; `<local>` are those without a dot.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    for pattern in bypass.lower().replace(";", " ").split():
        if ("." not in host) if pattern == "<local>" else fnmatch.fnmatchcase(host, pattern):
            return None
    named = dict(item.partition("=")[::2] for item in proxies.replace(";", " ").split() if "=" in item)
    plain = next((item for item in proxies.replace(";", " ").split() if "=" not in item), None)
    found = named.get(parts.scheme, plain)
    return None if not found else found if "://" in found else f"http://{found}"


def _of_system(url: str) -> str | None:
    if should_bypass_proxies(url, no_proxy=None):
        return None
    found = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    if found is None and sys.platform == "win32":
        from agent.host.proxies_windows import machine_proxies  # noqa: PLC0415 - exists on Windows only

        return of_list(url, *machine_proxies())
    return found if found is None or "://" in found else f"http://{found}"


def _with(proxy: str, credential: str) -> str:
    user, _, password = credential.partition(":")
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{shown(proxy)}"
