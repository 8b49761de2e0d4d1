"""What protects pages in the browser: headers of every answer, the token of every form, where a person may be sent on to."""

import hmac
import secrets
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)
from starlette.exceptions import HTTPException
from starlette.requests import Request

FIELD, HEADER = "form", "x-form"
_OWN = frozenset({"same-origin", "none"})


def headers(*, https: bool) -> Secure:
    """Return the headers of every answer: nothing comes from, goes to or is shown in another host's pages."""
    policy = ContentSecurityPolicy().default_src("'none'").style_src("'self'").script_src("'self'").img_src("'self'")
    policy = policy.connect_src("'self'").form_action("'self'").base_uri("'none'").frame_ancestors("'none'")
    return Secure(
        csp=policy,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        permissions=PermissionsPolicy().geolocation().microphone().camera(),
        referrer=ReferrerPolicy().same_origin(),
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        hsts=StrictTransportSecurity().max_age(31_536_000) if https else None,
    )


class Forms:
    """The token that every form carries: what the browser's session is called, signed."""

    def __init__(self, key: str) -> None:
        self._signer = URLSafeSerializer(key, salt="form")

    def token(self, request: Request) -> str:
        """Return the token for forms of this browser's session."""
        return str(self._signer.dumps(_session_name(request)))

    def check(self, request: Request, shown: object) -> None:
        """Let pass what a form of this browser's session sent.

        Raises:
            HTTPException: 403, it was another site, or a form of another session.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in _OWN:
            raise HTTPException(403, "this form was sent by another site")
        try:
            said = str(self._signer.loads(shown)) if isinstance(shown, str) else ""
        except BadSignature:
            said = ""
        if not hmac.compare_digest(said.encode(), _session_name(request).encode()):
            raise HTTPException(403, "this form is of another session: load the page anew and send it again")


def local(target: str | None, otherwise: str = "/") -> str:
    """Return `target` where it is a path of this site, `otherwise` for everything that a browser could take for another one."""
    if not target or not target.startswith("/") or not target.isprintable() or "\\" in target:
        return otherwise
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and not target.startswith("//") else otherwise


def renew(request: Request) -> None:
    """Begin another browser session: nothing that was known before the sign-in counts after it."""
    request.session.clear()


def _session_name(request: Request) -> str:
    """Return what this browser's session is called; one begins with the first page that holds a form."""
    if "name" not in request.session:
        request.session["name"] = secrets.token_urlsafe(16)
    return str(request.session["name"])
