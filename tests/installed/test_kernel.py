"""The installed service under a kernel of its own, in its first namespaces: what a container cannot show.

`make e2e-kernel` runs it, apart from all else: it takes an emulator and two minutes of a processor.
"""

import json
import platform
import shutil
from collections.abc import Mapping
from typing import Any

import pytest

from tests.installed.conftest import BASE, CHECKOUT, DIST
from tests.installed.kernel import told
from tests.installed.organisation import POLICY

KERNEL = CHECKOUT / ".scratch/debian/vmlinuz"
SERVERS = 10
_POLICY = '{"allowManagedMcpServersOnly": true, "allowedMcpServers": [{"serverUrl": "https://mcp.example.com/*"}]}'
_ENTRY = '{"mcpServers": {"brief": {"command": "/home/ann/bin/brief", "args": ["0.02"]}}}'
_SCRIPT = f"""
until systemctl is-active --quiet mcp-compliance-agent; do sleep 0.5; done
mkdir -p /etc/claude-code && echo '{_POLICY}' > {POLICY}
install -d -o ann -g ann /home/ann/bin /home/ann/.cursor
install -o ann -g ann /bin/sleep /home/ann/bin/brief
echo '{_ENTRY}' > /home/ann/.cursor/mcp.json
until mcp-compliance history --json | grep -q server.unapproved.configured; do sleep 1; done
cat > /opt/storm.sh <<'END'
for number in $(seq {SERVERS}); do coproc SERVER {{ exec /home/ann/bin/brief 0.02; }}; wait; done
END
setpriv --reuid=ann --regid=ann --init-groups bash /opt/storm.sh
for second in $(seq 20); do mcp-compliance history --json | grep -q server.unapproved.running && break; sleep 1; done
main=$(systemctl show --property=MainPID --value mcp-compliance-agent)
listener=$(pgrep --parent $main)
sleep 5
echo "status $(tr -d '\\n' < /var/lib/mcp-compliance-agent/status.json)"
echo "history $(mcp-compliance history --json | tr -d '\\n')"
echo "priority $(chrt --pid $listener | tr '\\n' ' ')"
echo "sandbox $(grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/$listener/status | tr '\\n\\t' '  ')"
echo "failed $(systemctl --failed --no-legend --plain | tr '\\n' ' ')"
echo "uptime $(cat /proc/uptime)"
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    if platform.machine() != "x86_64" or shutil.which("qemu-system-x86_64") is None:
        pytest.exit("a machine is emulated here: on amd64, apt install qemu-system-x86", 3)
    (package,) = DIST.glob("*.deb")
    said = told(BASE, KERNEL, package, _SCRIPT, tmp_path_factory.mktemp("kernel"))
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


def document(machine: Mapping[str, str], name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(machine[name])


@pytest.mark.kernel
def test_the_kernel_tells_the_sandboxed_service_of_every_program_that_starts(machine: Mapping[str, str]) -> None:
    status = document(machine, "status")
    assert status["process_events"] == "process connector (netlink)"
    assert not {row["code"] for row in status["health"]} & {"launches.unnoticed", "launches.hindered", "launches.lost"}


@pytest.mark.kernel
def test_a_server_of_20_ms_is_reported(machine: Mapping[str, str]) -> None:
    found = document(machine, "history")["deviations"]
    (running,) = [row for row in found if row["control"] == "server.unapproved.running"]
    assert (running["user"], running["label"]) == ("ann", "ann: 'brief' (/home/ann/bin/brief 0.02)")


@pytest.mark.kernel
def test_what_listens_goes_first_within_the_sandbox(machine: Mapping[str, str]) -> None:
    assert "SCHED_RR" in machine["priority"]
    assert machine["sandbox"].split() == ["CapEff:", "0000000000881005", "NoNewPrivs:", "1", "Seccomp:", "2"]
    assert machine["failed"].strip() == ""
