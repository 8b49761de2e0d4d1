"""What may stand in the settings about the network, the agent's and the central endpoint's alike."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from agent.config.destinations import KEPT, Proxy


class Network(BaseModel):
    """The way to every destination over HTTP that says nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    proxy: Proxy = "system"
    proxy_credential_file: Annotated[
        Path | None, Field(description=f"file that holds user:password for the proxy; {KEPT}")
    ] = None
