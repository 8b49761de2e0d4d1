"""What the settings name becomes destinations; what cannot be used costs that destination alone, and no secret is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.app.destinations import Destination, Unusable, destinations
from agent.app.sender import Sender
from agent.config.settings import Loaded, load
from agent.sinks.channel import HttpSink
from tests.sim.clock import ManualClock

TOKEN = "tok-canary-2b11"


def loaded(folder: Path, text: str) -> Loaded:
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "agent.toml").write_text(text.replace("FOLDER", str(folder)))
    return load(folder / "agent.toml", {})


def built(folder: Path, text: str) -> list[Destination | Unusable]:
    given = loaded(folder, text)
    assert given.problems == ()
    return list(destinations(given.settings, Sender(folder, "device-1"), ManualClock()))


EVERY = """
[endpoint]
url = "https://reports.example.com/v1/events"
token_file = "FOLDER/token"
[[destination]]
kind = "splunk_hec"
url = "https://splunk.example.com:8088"
token_file = "FOLDER/token"
indexer_ack = true
[[destination]]
kind = "otlp"
url = "https://otel.example.com:4318/v1/logs"
[[destination]]
kind = "elastic"
url = "https://elastic.example.com"
token_file = "FOLDER/token"
[[destination]]
kind = "syslog"
host = "syslog.example.com"
[[destination]]
kind = "system_log"
[[destination]]
kind = "file"
path = "FOLDER/more.jsonl"
"""


def test_every_kind_of_destination_can_be_set_and_all_at_once(tmp_path: Path) -> None:
    found = built(tmp_path, EVERY)
    shown = [(item.sink.name, item.far) for item in found if isinstance(item, Destination)]
    assert shown == [
        ("jsonl", False),
        ("https", True),
        ("splunk_hec", True),
        ("otlp", True),
        ("elastic", True),
        ("syslog", True),
        ("system_log", False),
        ("file", False),
    ]
    assert TOKEN not in repr(found)


def test_what_listens_on_this_machine_is_not_far(tmp_path: Path) -> None:
    text = """
[endpoint]
url = "http://127.0.0.1:8470/v1/events"
[[destination]]
kind = "otlp"
url = "http://localhost:4318/v1/logs"
"""
    assert [item.far for item in built(tmp_path, text) if isinstance(item, Destination)] == [False, False, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('kind = "otlp"\nurl = "http://otel.example.com/v1/logs"', "must be https"),
        ('kind = "otlp"\nurl = "https://ann:pw@otel.example.com/"', "must not hold a credential"),
        ('kind = "elastic"\nurl = "https://e.example.com"\ntoken_file = "FOLDER/none"', "is not there"),
        ('kind = "file"\nname = "jsonl"\npath = "FOLDER/x"', "another one of that name"),
    ],
)
def test_one_that_cannot_be_used_costs_itself_alone_and_says_why(tmp_path: Path, text: str, why: str) -> None:
    _, bad, good = built(tmp_path, f'[[destination]]\n{text}\n[[destination]]\nkind = "system_log"')
    assert isinstance(bad, Unusable)
    assert why in bad.text
    assert "pw" not in bad.text
    assert isinstance(good, Destination)


def test_a_wrong_key_costs_its_destination_alone_and_is_named(tmp_path: Path) -> None:
    given = loaded(
        tmp_path, '[[destination]]\nkind = "syslog"\nhost = "a"\nprot = 1\n[[destination]]\nkind = "system_log"'
    )
    assert [item.kind for item in given.settings.destination] == ["system_log"]
    (problem,) = given.problems
    assert problem.key == "destination.syslog.prot"


PROXIES = """
[network]
proxy = "http://proxy.example.com:3128"
proxy_credential_file = "FOLDER/token"
[endpoint]
url = "https://reports.example.com/v1/events"
[[destination]]
kind = "otlp"
url = "https://otel.example.com:4318/v1/logs"
proxy = "none"
[[destination]]
kind = "elastic"
url = "https://elastic.example.com"
proxy = "http://other.example.com:8080"
"""


def test_the_proxy_of_all_is_that_of_each_that_names_no_other(tmp_path: Path) -> None:
    sinks = [item.sink for item in built(tmp_path, PROXIES) if isinstance(item, Destination)]
    targets = {sink.name: sink._channel._target for sink in sinks if isinstance(sink, HttpSink)}
    assert {name: target.proxy for name, target in targets.items()} == {
        "https": "http://proxy.example.com:3128",
        "otlp": "none",
        "elastic": "http://other.example.com:8080",
    }
    assert {target.proxy_credential for target in targets.values()} == {TOKEN}


@pytest.mark.parametrize("proxy", ["proxy.example.com:3128", "http://ann:pw@proxy.example.com", "socks5://p", ""])
def test_a_proxy_that_is_none_is_named_and_the_system_s_stays_in_force(tmp_path: Path, proxy: str) -> None:
    given = loaded(tmp_path, f'[network]\nproxy = "{proxy}"')
    (problem,) = given.problems
    assert (problem.key, given.settings.network.proxy) == ("network.proxy", "system")


def test_an_agent_that_reports_to_nobody_far_loads_nothing_that_speaks_over_the_network() -> None:
    code = "import sys, agent.cli.run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"requests", "urllib3", "ssl", "http.client", "agent.sinks.channel"} & {*loaded.split()} == set()


def test_an_agent_that_reports_to_an_endpoint_loads_that_protocol_alone(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import agent.cli.run;"
        "from agent.app.destinations import Sender, destinations; from agent.config.settings import Settings;"
        "from agent.runtime.clock import SystemClock;"
        "settings = Settings.model_validate({'endpoint': {'url': 'https://reports.example.com'}});"
        "sinks = [*destinations(settings, Sender(Path(sys.argv[1]), 'device'), SystemClock())];"
        "print(*(name for name in sys.modules if name.startswith('agent.sinks.')))"
    )
    command = [sys.executable, "-I", "-c", code, str(tmp_path)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    of_others = {f"agent.sinks.{name}" for name in ("elastic", "enrolled", "otlp", "splunk_hec", "syslog")}
    assert "agent.sinks.https" in loaded.split()
    assert of_others & {*loaded.split()} == set()
