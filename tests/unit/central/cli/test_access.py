"""Who gets in is made on the command line of the server; what is secret is printed once, or never."""

import io
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from central.cli.main import main
from central.core.access import Asker, Permission
from central.store import enrolling, people, tokens
from central.store.engine import reading, writing
from central.store.schema import people as table
from central.store.schema import tokens as programs

PASSWORD = "correct horse battery"


@pytest.fixture
def settings(engine: Engine, tmp_path: Path) -> list[str]:
    file = tmp_path / "central.toml"
    file.write_text(f'database = "{engine.url.render_as_string(hide_password=False)}"\n')
    return ["--settings", str(file)]


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text + "\n"))


def test_a_person_is_added_changed_and_removed(
    settings: list[str], engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, PASSWORD)
    assert main([*settings, "person", "add", "ada", "--role", "admin", "--password-stdin"]) == 0
    with reading(engine) as connection:
        assert people.proved(connection, "ada", PASSWORD)
    given(monkeypatch, PASSWORD)
    assert main([*settings, "person", "add", "ada", "--role", "soc", "--password-stdin"]) == 2
    assert main([*settings, "person", "role", "ada", "--role", "viewer"]) == 0
    assert main([*settings, "person", "link", "ada"]) == 0
    assert "/sign-in/link/" in capsys.readouterr().out
    assert main([*settings, "person", "list"]) == 0
    assert "ada\tviewer\tby password\tmay sign in" in capsys.readouterr().out
    assert main([*settings, "person", "remove", "ada"]) == 0
    assert main([*settings, "person", "remove", "nobody"]) == 1
    assert main([*settings, "person", "readmit", "ada"]) == 0
    with reading(engine) as connection:
        assert people.proved(connection, "ada", PASSWORD)
    assert main([*settings, "person", "remove", "ada"]) == 0
    with reading(engine) as connection:
        assert not people.proved(connection, "ada", PASSWORD)
        kept = connection.execute(select(table.c.password)).scalar()
    assert str(kept).startswith("$argon2id$")
    assert PASSWORD not in str(kept)


def test_a_short_password_is_refused(
    settings: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, "short")
    assert main([*settings, "person", "add", "ada", "--role", "admin", "--password-stdin"]) == 2
    assert "at least 12 characters" in capsys.readouterr().err


def test_a_token_is_printed_once_and_works_until_it_is_revoked(
    settings: list[str], engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*settings, "token", "make", "siem", "--scope", "feed", "--scope", "read", "--days", "30"]) == 0
    token = capsys.readouterr().out.strip()
    assert main([*settings, "token", "list"]) == 0
    listed = capsys.readouterr().out
    assert "siem\tfeed, read" in listed
    assert token not in listed

    def asker(after_s: float = 0.0) -> Asker | None:
        with reading(engine) as connection:
            found = tokens.asker(connection, token, time.time() + after_s)
            return found[0] if found is not None else None

    found = asker()
    assert found is not None
    assert found.permissions == {Permission.FEED, Permission.READ}
    assert asker(31 * 86_400) is None
    assert main([*settings, "token", "revoke", "siem"]) == 0
    assert asker() is None
    assert main([*settings, "token", "make", "siem", "--scope", "feed"]) == 2
    with pytest.raises(SystemExit):
        main([*settings, "token", "make", "root", "--scope", "administer"])


def test_an_enrolment_key_is_shown_once_lets_devices_in_and_is_revoked(
    settings: list[str], engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    def enrols(number: int, later_s: float = 0.0) -> object:
        with writing(engine) as connection:
            now = time.time() + later_s
            return enrolling.enrol(connection, f"device-{number:>08}", "", bytes([number]) * 32, key, now)

    assert main([*settings, "enrolment-key", "make", "autumn", "--days", "2"]) == 0
    key = capsys.readouterr().out.strip()
    assert main([*settings, "enrolment-key", "make", "autumn"]) == 2
    assert "autumn already" in capsys.readouterr().err
    assert enrols(1) is None
    assert enrols(3, later_s=3 * 86_400) is not None, "it lets nobody in once it is too old"
    assert main([*settings, "enrolment-key", "list"]) == 0
    said = capsys.readouterr().out
    assert "in force until" in said
    assert key not in said
    assert main([*settings, "enrolment-key", "revoke", "autumn"]) == 0
    assert main([*settings, "enrolment-key", "revoke", "winter"]) == 1
    assert main([*settings, "enrolment-key", "list"]) == 0
    assert "revoked" in capsys.readouterr().out
    assert enrols(2) is not None


def test_a_token_that_has_expired_is_listed_as_such(
    settings: list[str], engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*settings, "token", "make", "siem", "--scope", "feed", "--days", "1"]) == 0
    assert main([*settings, "token", "list"]) == 0
    assert "in force until" in capsys.readouterr().out
    with writing(engine) as connection:
        connection.execute(update(programs).values(expires_at=1.0))
    assert main([*settings, "token", "list"]) == 0
    assert "expired 1970-01-01T00:00:01Z" in capsys.readouterr().out
