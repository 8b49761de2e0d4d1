"""Run the central endpoint in the foreground. Without settings: on loopback, with SQLite in the state folder.

The first start makes an enrolment key in the state folder; agents are let in with it (`[endpoint] enrolment_key_file`).
While nobody has an account, each start prints a link that signs an administrator in once.
"""

import argparse
import ipaddress
import ssl
import sys
from typing import Any

import uvicorn

from agent.core.refusal import CannotStart
from central import app
from central.config import Listen, Settings, load
from central.web.connection import Connection


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("--quiet", action="store_true", help="print nothing on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    settings = load(arguments.settings)
    options = server_options(settings)
    central = app.central(settings)
    key = app.first_key(settings, central.engine)
    if not arguments.quiet:
        print(f"Listening on {settings.url}", flush=True)
        if key is not None:
            print(f"Devices are let in with the key in {key}", flush=True)
        link = app.first_link(settings, central.engine)
        if link is not None:
            print(f"Sign in once, as administrator, within the hour: {link}", flush=True)
            print("Give yourself a password: mcp-compliance-central person password admin", flush=True)
    server = uvicorn.Server(uvicorn.Config(central.app, **options))
    server.run()
    return 0 if server.started else 2


def server_options(settings: Settings) -> dict[str, Any]:
    """Return how the server is run.

    Raises:
        CannotStart: it would listen beyond this machine without TLS.
    """
    listen = settings.listen
    if listen.tls_certificate_file is None and not listen.trusted_proxies and not _loopback(listen.host):
        raise CannotStart(
            f"{listen.host} is not this machine alone: set [listen] tls_certificate_file and tls_key_file,"
            " or [listen] trusted_proxies where a proxy ends TLS"
        )
    _certificates_usable(listen)
    options: dict[str, Any] = {
        "host": listen.host,
        "port": listen.port,
        "loop": "uvloop" if sys.platform != "win32" else "asyncio",
        "http": Connection,
        "access_log": False,
        "log_level": "error",  # its warnings are of what strangers send
        "server_header": False,
        "timeout_graceful_shutdown": 10,
        "proxy_headers": bool(listen.trusted_proxies),
        "forwarded_allow_ips": ",".join(listen.trusted_proxies),
    }
    if listen.tls_certificate_file is not None:
        options |= {"ssl_certfile": listen.tls_certificate_file, "ssl_keyfile": listen.tls_key_file}
    if listen.client_ca_file is not None:
        options |= {"ssl_ca_certs": str(listen.client_ca_file), "ssl_cert_reqs": ssl.CERT_OPTIONAL}
    return options


def _certificates_usable(listen: Listen) -> None:
    if listen.client_ca_file is not None and listen.tls_certificate_file is None:
        raise CannotStart("[listen] client_ca_file has no effect without tls_certificate_file: TLS must end here")
    if listen.client_certificate_header is None:
        return
    if not listen.trusted_proxies:
        raise CannotStart("[listen] client_certificate_header needs trusted_proxies: anybody could send that header")
    for proxy in listen.trusted_proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise CannotStart(
                f"[listen] trusted_proxies: {proxy} is no address or network, which client_certificate_header needs"
            ) from None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
