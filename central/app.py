"""Composition root of the central endpoint: the one module that names every concrete class."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select
from starlette.applications import Starlette
from starlette.routing import Mount

from agent import __version__
from agent.core.refusal import CannotStart
from agent.runtime.clock import SystemClock
from central.config import Settings
from central.core.envelope import Limits
from central.core.fleet import Fleet, Terms
from central.core.receive import Admission
from central.delivering.couriers import Couriers
from central.delivering.destinations import named, sinks
from central.receiving.intake import Intake, IntakeBudget
from central.store import enrolling, people
from central.store.engine import reading, writing
from central.store.opening import database
from central.store.schema import enrolment_keys
from central.store.taking import Rules
from central.surveying.survey import Survey
from central.web import provider
from central.web.certificates import Certificates
from central.web.deeds import DEEDS
from central.web.desk import Desk
from central.web.feed import Feed
from central.web.figures import Figures
from central.web.methods import closed, not_there
from central.web.operating import Operating
from central.web.pages import Pages
from central.web.password import OwnPassword
from central.web.preview import PreviewPage
from central.web.provider import Provider
from central.web.receiving import Receiving
from central.web.shield import Forms
from central.web.sign_in import SignIn
from central.web.site import site
from central.web.tables import QUESTIONS
from central.web.who import Doorkeeper

log = logging.getLogger(__name__)

FIRST_KEY = "enrolment-key"
FIRST_PERSON = "admin"
_LINK_S = 3_600.0


@dataclass(eq=False)
class Central:
    """Everything that lives as long as the program does."""

    settings: Settings
    engine: Engine
    intake: Intake
    app: Starlette


def central(settings: Settings) -> Central:
    """Make the program from its settings; the database is brought to this program's schema.

    Raises:
        CannotStart: the database or a file of the settings cannot be used.
    """
    clock = SystemClock()
    engine = database(settings.database_url, settings.own_folder)
    key = secret(settings.receiving.hmac_key_file)
    terms = settings.terms
    limits = Limits(body_bytes=settings.receiving.body_bytes, window_s=settings.receiving.window_s)
    rules = Rules(
        admission=Admission(limits=limits, hmac_key=key, rotate_after_s=settings.receiving.rotate_after_s),
        terms=terms,
        fleet=Fleet(policy_digest=settings.watching.policy_digest, policy_by="the settings"),
        version=__version__,
    )
    budget = IntakeBudget(waiting_bytes=settings.receiving.waiting_bytes)
    figures = Figures(lambda: intake.waiting)
    keeping = settings.retention
    survey = Survey(engine, rules, time.time, keeping.events_days, keeping.closed_days)
    intake = Intake(engine, survey.current, time.time, figures.hear, budget)
    certificates = Certificates(settings.listen.client_certificate_header, settings.listen.trusted_proxies)
    pushed = tuple(sinks(settings.destination, settings.network, clock))
    couriers = Couriers(engine, clock, pushed)
    figures.follow(couriers.health)
    receiving = Receiving(intake, engine, time.time, figures.hear, settings.receiving.body_bytes, certificates)

    @contextlib.asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        intake.start()
        survey.start()
        couriers.start()
        try:
            yield
        finally:
            couriers.stop()
            survey.stop()
            intake.stop()
            engine.dispose()

    routes = [
        *closed(
            (*receiving.routes(), *Operating(engine, intake, figures, named(settings.destination), time.time).routes())
        ),
        Mount("/", desk(settings, engine, terms)),
    ]
    return Central(
        settings, engine, intake, Starlette(routes=routes, lifespan=life, exception_handlers={404: not_there})
    )


def desk(settings: Settings, engine: Engine, terms: Terms, now: Callable[[], float] = time.time) -> Starlette:
    """Make the pages and the query API."""
    access = settings.access
    with writing(engine) as connection:
        key = people.cookie_key(connection, now())
    lasting = people.SessionTerms(idle_s=access.session_idle_s, longest_s=access.session_s)
    forms, keeper = Forms(key), Doorkeeper(engine, now, lasting)
    pages = Pages(forms, now, settings.url)
    answering = Desk(engine, keeper, forms, pages, lambda: terms, now, named(settings.destination))
    agreed = provider_terms(settings)
    sign_in = SignIn(engine, keeper, forms, pages, now, access.oidc_button if agreed is not None else None)
    provided = [] if agreed is None else Provider(agreed, engine, sign_in, settings.url, now).routes()
    routes = [
        *sign_in.routes(),
        *provided,
        *Feed(engine, answering.asker).routes(),
        *PreviewPage(answering).routes(),
        *OwnPassword(answering, sign_in).routes(),
        *(route for question in QUESTIONS for route in answering.of_question(question)),
        *(route for deed in DEEDS for route in answering.of_deed(deed)),
    ]
    https = settings.url.startswith("https:")
    return site(routes, pages, key, https=https, longest_s=access.session_s)


def provider_terms(settings: Settings) -> provider.Terms | None:
    """Return what is agreed with the identity provider, None where there is none.

    Raises:
        CannotStart: the file with the secret cannot be used.
    """
    access = settings.access
    if access.oidc_issuer is None:
        return None
    names = ("client_id", "scope", "name_claim", "role_claim", "roles", "default_role")
    given = {name: getattr(access, f"oidc_{name}") for name in names}
    held = (secret(access.oidc_client_secret_file) or b"").decode()
    return provider.Terms(issuer=access.oidc_issuer, client_secret=held, **given)


def first_key(settings: Settings, engine: Engine) -> Path | None:
    """Make the first enrolment key where there is none yet, in a file for its owner alone; return the file if it is there."""
    path = settings.state / FIRST_KEY
    with reading(engine) as connection:
        known = connection.execute(select(enrolment_keys.c.name).limit(1)).first() is not None
    if known:
        return path if path.is_file() else None
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with writing(engine) as connection:
        key = enrolling.new_key(connection, "first", "serve", time.time())
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(key + "\n", encoding="ascii")
    return path


def first_link(settings: Settings, engine: Engine) -> str | None:
    """Return the address of a page that signs the first administrator in once; None where people can sign in otherwise."""
    now = time.time()
    with writing(engine) as connection:
        if people.anybody(connection):
            return None
        people.first(connection, FIRST_PERSON, now)
        text = people.link(connection, FIRST_PERSON, now + _LINK_S)
    return f"{settings.url}/sign-in/link/{text}"


def secret(file: Path | None) -> bytes | None:
    """Return what a file with a secret holds, without the blanks around it; None where no file is named.

    Raises:
        CannotStart: the file cannot be read, or is empty.
    """
    if file is None:
        return None
    try:
        held = file.read_bytes().strip()
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}") from None
    if not held:
        raise CannotStart(f"{file} is empty")
    return held
