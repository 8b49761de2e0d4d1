"""Path templates of the catalog → paths of the examined system."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from urllib.parse import unquote, urlsplit

from agent.catalog.rows import USUAL, VARIABLE, ClientRow, Templates
from agent.core.brief import remembered
from agent.core.place import Os, pure_path

_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[^/\0]+)+")
"""A POSIX path that is spelt already: absolute, no empty part, no `.`."""
_FOLDER = re.compile(r"<(\w+)>")
_OF_DEVICE = {"%PROGRAMDATA%": "C:/ProgramData", "%PROGRAMFILES%": "C:/Program Files"}
_OF_USER = ("APPDATA", "LOCALAPPDATA")


def expand(
    row: ClientRow,
    templates: Templates,
    os: Os,
    *,
    home: str,
    environment: Mapping[str, str] | None = None,
    project: str | None = None,
) -> tuple[str, ...]:
    """Return the paths that `templates` of `row` mean for a user, in order, each once; `*` is left for whoever can list folders.

    `environment` is what is known of the client's environment; a variable that is not in it, or empty, takes its default, and the
    variable by which the system tells programs where the home is takes the place of `home`. A
    value that is no absolute path counts as unset, as it would depend on where the client was started. A template whose
    variable is unset and has no default means nothing.
    """
    found: dict[str, None] = {}
    environment = environment or {}
    moved = environment.get(next(iter(USUAL[os])), "")
    home = moved if moved and is_absolute(os, moved) else home
    for template in templates.get(os, ()):
        for text in _with_folders(row, template, os):
            path = _filled(text, os, home, environment, project)
            if path is not None:
                found.setdefault(path)
    return tuple(found)


_kept = remembered(8192, longest=256)
"""A look asks about the same few thousand paths again and again; of a long one all the folders above it are much to keep."""


@_kept
def spelt(os: Os, path: str) -> str:
    """Return `path` as the system `os` spells it."""
    if os != "windows" and _PLAIN.fullmatch(path):
        return path  # pathlib takes ten times as long to say the same
    return str(pure_path(os, path))


@_kept
def folders_above(os: Os, path: str) -> tuple[str, ...]:
    """Return the folders above `path`, nearest first."""
    if os != "windows" and _PLAIN.fullmatch(path):
        found, end = list[str](), path.rfind("/")
        while end > 0:
            found.append(path[:end])
            end = path.rfind("/", 0, end)
        return (*found, "/")
    return tuple(str(parent) for parent in pure_path(os, path).parents)


def is_absolute(os: Os, path: str) -> bool:
    """Say whether `path` names a place on the examined disk, whatever the current folder is."""
    rooted = pure_path(os, path).is_absolute() if os == "windows" else path.startswith("/")
    return rooted and "\0" not in path


def is_usual(os: Os, name: str, value: str, home: str) -> bool:
    """Say whether the variable `name` says what the system itself makes it say, so that it moves nothing."""
    usual = USUAL[os].get(name)
    return usual is not None and spelt(os, value) == spelt(os, home + usual[1:])


def folder_of_uri(os: Os, uri: str) -> str | None:
    """Return the local folder that a `file:` URI names (`file:///c%3A/work` on Windows), None for any other URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    if os == "windows":
        path = path.lstrip("/").replace("/", "\\")
        path = path[:1].upper() + path[1:]
    return path if is_absolute(os, path) else None


def _with_folders(row: ClientRow, template: str, os: Os) -> Iterator[str]:
    names = [name for name in _FOLDER.findall(template) if name in row.places]
    for values in product(*(row.places[name].get(os, ()) for name in names)):
        text = template
        for name, value in zip(names, values, strict=True):
            text = text.replace(f"<{name}>", value)
        yield text


def _filled(text: str, os: Os, home: str, environment: Mapping[str, str], project: str | None) -> str | None:
    def value(match: re.Match[str]) -> str:
        given = environment.get(match[1], "")
        return given if given and is_absolute(os, given) else match[2] or "\0"

    text = VARIABLE.sub(value, text)
    if "\0" in text:
        return None
    for name, folder in _OF_DEVICE.items():
        text = text.replace(name, folder)
    for name in _OF_USER if "%" in text else ():
        given = environment.get(name, "")
        usual = given if given and is_absolute(os, given) else USUAL["windows"][name]
        text = text.replace(f"%{name}%", usual)
    if "<project>" in text:
        if project is None:
            return None
        text = text.replace("<project>", project)
    if text.startswith("~"):
        text = home + text[1:]
    return spelt(os, text) if is_absolute(os, text) else None
