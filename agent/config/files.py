"""What stands in the settings files and the environment, not yet validated. It needs no pydantic: `status` starts fast."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT_PREFIX = "MCP_COMPLIANCE_"
STATE_FOLDER = "state_folder"
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


def read_written(file: Path, environment: Mapping[str, str]) -> Written:
    """Read `file`, the drop-ins in its `agent.d` neighbour and the environment. A missing file is not a problem."""
    files: list[Path] = []
    problems: list[SettingsProblem] = []
    documents = [*_documents(file, files, problems), *_environment(environment)]
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
