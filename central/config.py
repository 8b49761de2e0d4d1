"""Settings: every one has a default that is right for one machine. Unknown or wrong ones are an error that names them.

`central.toml` is read from the folder of the settings, then environment variables `MCP_COMPLIANCE_CENTRAL_SECTION__KEY` win.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from agent.config.network import Network
from agent.core.refusal import CannotStart
from central.core.access import Role
from central.core.fleet import Terms
from central.delivering.written import Pushed

NAME = "mcp-compliance-central"
FILE = Path(f"/etc/{NAME}/central.toml")
_ENVIRONMENT = "MCP_COMPLIANCE_CENTRAL_"
_DAY_S = 86_400.0

_Seconds = Annotated[float, Field(gt=0, le=10 * 366 * _DAY_S)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where it listens. Beyond loopback it needs TLS, or a proxy in front that it is told of."""

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="port to listen on")] = 8470
    tls_certificate_file: Annotated[Path | None, Field(description="PEM certificate chain")] = None
    tls_key_file: Annotated[Path | None, Field(description="PEM key")] = None
    client_ca_file: Annotated[
        Path | None, Field(description="PEM certificates of the CA that issues device certificates, for mutual TLS")
    ] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        Field(description="addresses of proxies that end TLS and whose X-Forwarded-* headers are believed"),
    ] = ()
    client_certificate_header: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9-]+$",
            description="header in which those proxies give the device's certificate, as RFC 9440 or as nginx's"
            " $ssl_client_escaped_cert; they must remove it from what devices send; default: no header counts",
        ),
    ] = None
    public_url: Annotated[
        str | None, Field(description="how people and devices call it; default: from host and port")
    ] = None


class Receiving(_Section):
    """What devices may send."""

    hmac_key_file: Annotated[Path | None, Field(description="file with the key by which batches must be signed")] = None
    window_s: Annotated[_Seconds, Field(description="how far the time of a signed batch may be from ours")] = 300
    body_bytes: Annotated[int, Field(ge=65_536, le=1 << 26, description="largest body of one batch")] = 1 << 20
    waiting_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 34, description="all bodies that wait; then 429")] = (
        64 << 20
    )
    rotate_after_s: Annotated[_Seconds, Field(description="age at which a device is asked for a new credential")] = (
        90 * _DAY_S
    )


class Watching(_Section):
    """When something becomes an alert."""

    unknown_after_s: Annotated[_Seconds, Field(description="silence after which a device counts as unknown")] = (
        3 * 3_600
    )
    silent_after_s: Annotated[_Seconds, Field(description="silence after which it is an alert")] = 3 * _DAY_S
    clock_off_s: Annotated[_Seconds, Field(description="how far a device's clock may be off")] = 300
    evidence_kept_s: Annotated[_Seconds, Field(description="how long gaps, breaks and clones stay open")] = 7 * _DAY_S
    agent_version: Annotated[
        str, Field(description="oldest agent that is current; default: what most devices have")
    ] = ""
    policy_digest: Annotated[str, Field(description="policy that every device must have; default: what most have")] = ""
    spread_devices: Annotated[
        int, Field(ge=2, description="devices on which a server that is not approved spreads")
    ] = 10
    spread_within_s: Annotated[_Seconds, Field(description="within which time they must have got it")] = _DAY_S
    learning_s: Annotated[
        _Seconds, Field(description="after the first inventory, how long a server seen for the first time is no alert")
    ] = _DAY_S


class Access(_Section):
    """Who gets in, besides the local accounts of `person add`."""

    session_idle_s: Annotated[_Seconds, Field(description="after how long without use a person is signed out")] = (
        8 * 3_600
    )
    session_s: Annotated[_Seconds, Field(description="after how long a person is signed out in any case")] = _DAY_S
    oidc_issuer: Annotated[
        str | None, Field(pattern=r"^https?://", description="issuer of the OpenID Connect provider; default: none")
    ] = None
    oidc_client_id: Annotated[str, Field(description="what the provider calls this program")] = ""
    oidc_client_secret_file: Annotated[Path | None, Field(description="file with the secret it gave")] = None
    oidc_scope: Annotated[str, Field(description="scopes that are asked for")] = "openid profile email"
    oidc_button: Annotated[str, Field(description="what the button on the sign-in page says")] = (
        "Sign in with your company"
    )
    oidc_name_claim: Annotated[str, Field(description="claim that names a person here")] = "preferred_username"
    oidc_role_claim: Annotated[str, Field(description="claim whose values give the role")] = "groups"
    oidc_roles: Annotated[
        dict[str, Role], Field(description="value of that claim → viewer, help-desk, soc or admin")
    ] = Field(default_factory=dict)
    oidc_default_role: Annotated[
        Role | None, Field(description="role of whom the provider knows and no value fits; default: they do not get in")
    ] = None


class Retention(_Section):
    """How long things are kept."""

    events_days: Annotated[
        int, Field(ge=1, le=3_650, description="events as they were sent, and the feed of alerts")
    ] = 90
    closed_days: Annotated[int, Field(ge=1, le=3_650, description="deviations that are closed")] = 400


class Settings(BaseSettings):
    """Every setting of the central endpoint."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=_ENVIRONMENT,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    database: Annotated[
        str | None,
        Field(description="sqlite:///… or postgresql://…; default: central.sqlite in the state folder", repr=False),
    ] = None
    state_folder: Annotated[Path | None, Field(description="where the SQLite database and the first key lie")] = None
    listen: Listen = Listen()
    receiving: Receiving = Receiving()
    watching: Watching = Watching()
    retention: Retention = Retention()
    access: Access = Access()
    network: Network = Network()
    destination: Annotated[
        tuple[Pushed, ...],
        Field(description="where alerts are pushed to, one [[destination]] each, as in the agent's own settings"),
    ] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and nothing else speak."""
        file = init_settings.init_kwargs.pop("file", FILE)  # type: ignore[attr-defined]  # the library's own attribute
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))

    @property
    def state(self) -> Path:
        """The state folder in force."""
        if self.state_folder is not None:
            return self.state_folder
        if os.name == "posix" and os.geteuid() == 0:
            return Path(f"/var/lib/{NAME}")
        return Path(platformdirs.user_state_path(NAME, appauthor=False))

    @property
    def database_url(self) -> str:
        """The database in force."""
        return self.database or f"sqlite:///{self.state / 'central.sqlite'}"

    @property
    def own_folder(self) -> Path | None:
        """The folder to make for the database, None where that is somewhere of its own."""
        return self.state if self.database is None else None

    @property
    def terms(self) -> Terms:
        """The limits by which devices are judged."""
        return Terms(**{name: getattr(self.watching, name) for name in Terms.__dataclass_fields__})

    @property
    def url(self) -> str:
        """How it is called."""
        if self.listen.public_url is not None:
            return self.listen.public_url.rstrip("/")
        scheme = "https" if self.listen.tls_certificate_file is not None else "http"
        return f"{scheme}://{self.listen.host}:{self.listen.port}"


def load(file: Path | None = None) -> Settings:
    """Read the settings.

    Raises:
        CannotStart: a setting is wrong; the message names it and what is allowed.
    """
    if file is not None and not file.is_file():
        raise CannotStart(f"the settings file {file} is not there")
    try:
        given: dict[str, Any] = {"file": file or FILE}
        return Settings(**given)
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"])
        raise CannotStart(f"{file or FILE}, or the environment: {where}: {detail['msg']}") from None
    except (OSError, ValueError) as error:
        raise CannotStart(f"{file or FILE} cannot be read: {error}") from None
