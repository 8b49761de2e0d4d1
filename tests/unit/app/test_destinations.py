"""What the settings name becomes destinations; what cannot be used costs that destination alone, and no secret is told."""

from pathlib import Path

import pytest

from agent.app.destinations import Destination, Unusable, destinations, secret
from agent.config.settings import Loaded, load
from tests.sim.clock import ManualClock

TOKEN = "tok-canary-2b11"


def loaded(folder: Path, text: str) -> Loaded:
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "agent.toml").write_text(text.replace("FOLDER", str(folder)))
    return load(folder / "agent.toml", {})


def built(folder: Path, text: str) -> list[Destination | Unusable]:
    given = loaded(folder, text)
    assert given.problems == ()
    return list(destinations(given.settings, folder, "device-1", ManualClock()))


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


def test_a_bare_name_is_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret(Path("token")) == b"t0ken"
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ValueError, match="LoadCredential="):
        secret(Path("token"))
