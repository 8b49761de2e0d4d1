"""Signing in with the organisation's OpenID Connect provider, by Authlib: code flow with PKCE, state and nonce.

A person is who the provider says (issuer and subject), never who a name says; the role comes from a claim at each sign-in.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from central.core.access import Role, role_of
from central.store import people
from central.store.engine import writing
from central.web.shield import local
from central.web.sign_in import SignIn

log = logging.getLogger(__name__)

RETURN = "/sign-in/provider/return"
_NEXT = "provider-next"
_LONGEST_NAME = 200
_TIMEOUT_S = 10.0
_ERRORS = frozenset(
    {
        "access_denied",
        "server_error",
        "temporarily_unavailable",
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "login_required",
        "interaction_required",
        "consent_required",
        "mismatching_state",
    }
)
"""What of the provider's words stands in the log: anybody can have this page called with others."""

_UNUSABLE = (httpx2.HTTPError, JoseError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
"""What Authlib and its parts raise where a provider is away, or answers in another form than the standards say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed with the provider. `roles` maps values of `role_claim`; `default_role` None: others do not get in."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = "openid profile email"
    name_claim: str = "preferred_username"
    role_claim: str = "groups"
    roles: Mapping[str, Role] = field(default_factory=dict)
    default_role: Role | None = None


@dataclass(eq=False)
class Provider:
    """The two routes. `url` is how browsers call this program; `now` is Unix seconds."""

    terms: Terms
    engine: Engine
    sign_in: SignIn
    url: str
    now: Callable[[], float]
    _client: Any = field(init=False)

    def __post_init__(self) -> None:
        """Register with Authlib; the provider is first asked when somebody signs in."""
        terms = self.terms
        self._client = OAuth().register(
            "provider",
            client_id=terms.client_id,
            client_secret=terms.client_secret,
            server_metadata_url=f"{terms.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": terms.scope, "code_challenge_method": "S256", "timeout": _TIMEOUT_S},
        )

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/sign-in/provider", self.leave), Route(RETURN, self.come_back)]

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider."""
        await self._may_try(request, step="leaves ")  # whoever comes back is one attempt, not two
        request.session[_NEXT] = local(request.query_params.get("next"))
        try:
            answer: Response = await self._client.authorize_redirect(request, f"{self.url}{RETURN}")
        except (OAuthError, *_UNUSABLE) as error:
            raise _unreachable(error) from None
        return answer

    async def come_back(self, request: Request) -> Response:
        """Sign in whom the provider names."""
        await self._may_try(request)
        target = local(request.session.get(_NEXT))
        try:
            token = await self._client.authorize_access_token(request)
            claims = dict(token.get("userinfo") or {})
            if self.terms.role_claim not in claims:
                more = dict(await self._client.userinfo(token=token))
                claims = {**more, **claims} if more.get("sub") == claims.get("sub") else claims
        except OAuthError as error:
            log.warning(
                "sign-in by the provider failed: %s", error.error if error.error in _ERRORS else "for another reason"
            )
            raise HTTPException(403, "the provider did not sign you in: try again") from None
        except _UNUSABLE as error:
            raise _unreachable(error) from None
        name = await run_in_threadpool(self._named, claims)
        return await run_in_threadpool(self.sign_in.signed_in, request, name, "identity provider", target)

    async def _may_try(self, request: Request, step: str = "") -> None:
        """Let pass what one address may try: each time asks the provider, or stands in the log."""
        if not await run_in_threadpool(self.sign_in.may_try, request, step=step):
            raise HTTPException(429, "too many attempts: wait a minute, then try again")

    def _named(self, claims: Mapping[str, Any]) -> str:
        terms = self.terms
        role = role_of(claims.get(terms.role_claim), terms.roles, terms.default_role)
        subject = claims.get("sub")
        if role is None or not isinstance(subject, str) or not subject:
            raise HTTPException(
                403, f"your account has no role here: no value of its claim {terms.role_claim} gives one"
            )
        said = next(
            (claims[one] for one in (terms.name_claim, "email", "sub") if isinstance(claims.get(one), str)), subject
        )
        name = "".join(character for character in said if character.isprintable()).strip()[:_LONGEST_NAME] or subject
        with writing(self.engine) as connection:
            known = people.known_subject(connection, f"{terms.issuer} {subject}", name, role, self.now())
        if known is None:
            raise HTTPException(
                403, f"the name {name} is taken here by another account, or was removed: ask an administrator"
            )
        return known


def _unreachable(error: Exception) -> HTTPException:
    log.warning("the identity provider cannot be used: %s", type(error).__name__)
    return HTTPException(502, "the identity provider does not answer as it should; try again, or use a local account")
