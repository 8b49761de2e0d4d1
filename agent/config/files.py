"""What stands in the settings files, the environment and the store of the device management, not yet validated.

It needs no pydantic: `status` starts fast.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.host.preferences import Pushed, pushed_settings

ENVIRONMENT_PREFIX = "MCP_COMPLIANCE_"
STATE_FOLDER = "state_folder"
WHOLE = "Settings"
"""A pushed value of that name holds a whole settings file as one text, for what single values cannot say (lists of tables)."""
MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing that is wrong in the settings: where it stands, and what is allowed."""

    origin: str
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.key}: {self.text}" if self.key else f"{self.origin}: {self.text}"


@dataclass(frozen=True, slots=True)
class Written:
    """What is written: (origin, document) in the order in which later wins, the files read, and the files that could not be."""

    documents: tuple[tuple[str, dict[str, Any]], ...]
    files: tuple[Path, ...]
    problems: tuple[SettingsProblem, ...]


def read_written(
    file: Path, environment: Mapping[str, str], pushed: Callable[[], Pushed | None] = pushed_settings
) -> Written:
    """Read `file`, the drop-ins in its `agent.d` neighbour, the environment, and what device management pushed, which wins.

    A missing file is not a problem.
    """
    files: list[Path] = []
    problems: list[SettingsProblem] = []
    documents = [*_documents(file, files, problems), *_environment(environment), *_pushed(pushed(), problems)]
    return Written(tuple(documents), tuple(files), tuple(problems))


def written_state_folder(written: Written) -> Path | None:
    """Return where the state folder is said to be, None where nobody says it."""
    said = [document[STATE_FOLDER] for _, document in written.documents if isinstance(document.get(STATE_FOLDER), str)]
    return Path(said[-1]) if said else None


def _documents(file: Path, files: list[Path], problems: list[SettingsProblem]) -> list[tuple[str, dict[str, Any]]]:
    try:
        dropins = sorted(path for path in (file.parent / "agent.d").iterdir() if path.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        dropins = []
    except OSError as error:
        problems.append(SettingsProblem(str(file.parent / "agent.d"), "", f"cannot be listed: {error.strerror}"))
        dropins = []
    documents = []
    for path in (file, *dropins):
        try:
            documents.append((str(path), tomllib.loads(_text(path))))
            files.append(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            problems.append(SettingsProblem(str(path), "", f"cannot be read as TOML: {text}; the file is left out"))
    return documents


def _pushed(pushed: Pushed | None, problems: list[SettingsProblem]) -> list[tuple[str, dict[str, Any]]]:
    if pushed is None:
        return []
    if pushed.problem is not None:
        problems.append(
            SettingsProblem(pushed.origin, "", f"cannot be read: {pushed.problem}. Push the settings again")
        )
        return []
    single = {
        key: value for key, value in pushed.document.items() if key != WHOLE and not key.startswith("Payload")
    }  # a profile's own keys are none of the settings
    documents = [(pushed.origin, single)] if single else []
    whole = pushed.document.get(WHOLE)
    if whole is None:
        return documents
    try:
        text = "\n".join(whole) if isinstance(whole, list) else str(whole)
        return [(f"{pushed.origin}, {WHOLE}", tomllib.loads(text)), *documents]
    except (TypeError, ValueError) as error:
        problems.append(SettingsProblem(pushed.origin, WHOLE, f"cannot be read as TOML: {error}; it is left out"))
        return documents


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")
    with path.open("rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES} bytes")
    return raw.decode("utf-8-sig")


def _environment(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    documents = []
    for name, text in sorted(environment.items()):
        section, separator, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not name.startswith(ENVIRONMENT_PREFIX) or not (separator or section == STATE_FOLDER):
            continue
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        documents.append((f"environment variable {name}", {section: {key: value} if separator else value}))
    return documents
