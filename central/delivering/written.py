"""What may stand in the settings of a destination."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from agent.config.destinations import KEPT, Elastic, Http, Otlp, SplunkHec, Syslog


class Webhook(Http):
    """Any receiver of the agent's own protocol (`docs/openapi.json`), signed where a key is set."""

    kind: Annotated[Literal["webhook"], Field(description="which kind of destination this is")]
    hmac_key_file: Annotated[
        Path | None, Field(description=f"file with the key that signs X-Timestamp and body (X-Signature); {KEPT}")
    ] = None


Pushed = Annotated[SplunkHec | Otlp | Elastic | Syslog | Webhook, Field(discriminator="kind")]
"""Settings of any one of them."""
