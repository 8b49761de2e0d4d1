"""What runs the central endpoint as a service says the same as the program: verbs, settings, folders."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from central.cli.main import VERBS
from central.config import NAME, load

CENTRAL = Path("packaging/central")
UNIT = (CENTRAL / f"{NAME}.service").read_text()
CONTAINER = (CENTRAL / "Containerfile").read_text()


def test_the_example_of_settings_is_read_as_it_stands() -> None:
    settings = load(CENTRAL / "central.toml.example")
    assert settings.listen.tls_certificate_file is not None
    assert settings.url == "https://mcp-compliance.example.com"


def test_the_service_starts_a_verb_and_keeps_its_state_where_it_may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    program, verb, *options = command.split()
    assert (Path(program).name, verb in VERBS, options) == (NAME, True, ["--quiet"])
    (state,) = re.findall(r"^StateDirectory=(.*)$", UNIT, re.MULTILINE)
    (variable, folder) = re.findall(r"^Environment=(\w+)=(.*)$", UNIT, re.MULTILINE)[0]
    monkeypatch.setenv(variable, folder.replace("%S", "/var/lib"))
    assert load().state == Path("/var/lib", state)


def test_the_container_copies_what_there_is_and_sets_what_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for sources in re.findall(r"^COPY (?!--)(.*)$", CONTAINER, re.MULTILINE):
        for source in sources.split()[:-1]:
            assert Path(source).exists(), source
    for name, value in re.findall(r"(MCP_COMPLIANCE_CENTRAL_\w+)=(\S+)", CONTAINER):
        monkeypatch.setenv(name, shlex.split(value)[0])
    settings = load()
    assert (settings.listen.host, settings.state) == ("0.0.0.0", Path("/var/lib/mcp-compliance-central"))
    assert settings.listen.trusted_proxies == ("10.0.0.1",)
    assert f"EXPOSE {settings.listen.port}" in CONTAINER


def test_it_is_no_root_in_either() -> None:
    assert re.search(r"^DynamicUser=yes$", UNIT, re.MULTILINE)
    assert re.search(r"^USER \d+$", CONTAINER, re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_understands_every_line_of_the_service(tmp_path: Path) -> None:
    unit = tmp_path / f"{NAME}.service"
    unit.write_text(UNIT.replace("/opt/mcp-compliance-central/bin/", "/usr/bin/env "))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if NAME in line], done.stderr
