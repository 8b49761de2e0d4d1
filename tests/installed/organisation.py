"""What the organisation deploys before the agent: its policy, the signed baseline of it, and the agent's settings."""

import json
import platform
import subprocess
from pathlib import Path

from tests.installed.debian import Debian
from tests.sim.baselines import Signer
from tests.sim.endpoint import Endpoint

SETTINGS = "/etc/mcp-compliance-agent"
POLICY = "/etc/claude-code/managed-settings.json"
TOKEN = "t0ken-of-this-device"
_POLICY = {
    "allowManagedMcpServersOnly": True,
    "allowedMcpServers": [{"serverUrl": "https://mcp.example.com/*"}],
}


def deploy(debian: Debian, endpoint: Endpoint, program: str) -> None:
    """Put it all on the machine. `program` is the agent's, where the organisation has it."""
    debian.write(POLICY, json.dumps(_POLICY, indent=2))
    signer = Signer()
    debian.write(
        f"{SETTINGS}/agent.toml",
        f'[endpoint]\nurl = "{endpoint.url}"\ntoken_file = "{SETTINGS}/token"\n'
        f'[baseline]\npublic_keys = ["{signer.line}"]\n',
    )
    debian.write(f"{SETTINGS}/token", TOKEN, mode="0600")
    debian.write("/root/key.pem", signer.pem.decode(), mode="0600")
    debian.must("install", "-d", f"{SETTINGS}/baselines")
    baseline = f"{SETTINGS}/baselines/1.json"
    debian.must(program, "baseline", "create", baseline, "--serial", "1")
    debian.must(program, "baseline", "sign", baseline, "--key", "/root/key.pem")
    debian.must("rm", "/root/key.pem")


def packed(checkout: Path, kind: str, version: str, target: Path) -> Path:
    """Return a package of the same program under another version, to upgrade to."""
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    nfpm = str(checkout / ".venv/freeze/bin/nfpm")
    subprocess.run(
        [nfpm, "package", "--config", "packaging/linux/nfpm.yaml", "--packager", kind, "--target", str(target)],
        cwd=checkout,
        env={"VERSION": version, "ARCH": arch, "PATH": "/usr/bin"},
        check=True,
        capture_output=True,
    )
    (found,) = target.glob(f"*.{kind}")
    return found
