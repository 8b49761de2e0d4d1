"""The rows of the catalog: `clients/<id>.toml`, one per client, all three systems in it.

Path templates use `/` on every system. `~` is the home; `${NAME:-default}` is the client's environment variable; `%APPDATA%`,
`%LOCALAPPDATA%`, `%PROGRAMDATA%`, `%PROGRAMFILES%` are Windows' folders; `<name>` is one of the row's `[folders]`; `<project>` a
project folder; `*` within one name stands for any characters, and `**` for any folders, a few levels deep. A `path` is one
template for all systems, or a table from system to templates; a system that is not in the table has none. Folders that many
rows share stand in `folders.toml`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from agent.core.observation import DocumentKind
from agent.core.place import Os
from agent.core.recognition.clients import ClientMarks
from agent.core.server import ServerScope

Format = Literal[
    "json",
    "json-utf8",
    "jsonc",
    "json5",
    "toml",
    "yaml",
    "front-matter",
    "xml",
    "plist",
    "properties",
    "shell",
    "text",
]
Confidence = Literal["observed", "vendor", "vendor-source", "tool-source", "community", "memory"]
Shape = Literal[
    "claude_state",
    "claude_servers",
    "servers",
    "wrapped",
    "vscode_servers",
    "vscode_settings",
    "gemini_servers",
    "codex_servers",
    "list",
    "opencode",
    "zed",
    "goose",
    "augment",
    "openhands",
    "witsy",
    "jetbrains",
    "crush",
    "extension_cache",
    "names",
    "docker_enabled",
    "docker_catalog",
    "docker_profiles",
    "toolhive",
    "connectors",
    "connector_names",
    "manifest",
    "agent",
    "claude_wrapped",
]
Templates = Mapping[Os, tuple[str, ...]]
SYSTEMS: tuple[Os, ...] = get_args(Os)
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):-((?:[^{}]|\{[^{}]*\})*)\}")
"""A variable in a path template, with its default."""
USUAL: Mapping[Os, Mapping[str, str]] = {
    "linux": {"HOME": "~", "XDG_CONFIG_HOME": "~/.config", "XDG_DATA_HOME": "~/.local/share"},
    "macos": {"HOME": "~"},
    "windows": {"USERPROFILE": "~", "APPDATA": "~/AppData/Roaming", "LOCALAPPDATA": "~/AppData/Local"},
}
"""Variables that the system itself sets, with what they then say; who sets the first of them otherwise moves everything."""


class CatalogError(ValueError):
    """A row of the catalog is wrong; the text names the row and the key."""


def _per_system(value: object) -> object:
    if isinstance(value, str | list):
        return dict.fromkeys(SYSTEMS, (value,) if isinstance(value, str) else tuple(value))
    if isinstance(value, Mapping):
        return {os: (given,) if isinstance(given, str) else given for os, given in value.items()}
    return value


PerSystem = Annotated[Templates, BeforeValidator(_per_system)]


class _Row:
    """What pydantic validates at the start: plain values afterwards, as a model in a daemon would keep its validator for ever."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapRow(_Row):
    """What a file is in which the text stands that matters: at `pointer`, in Base64 where that is said."""

    format: Format
    pointer: str
    base64: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow(_Row):
    """Files beside another that say what becomes of the servers that the other defines.

    They stand at `path` in the folder that is so many levels `above` the other; `{folder}` is the name of the other's folder,
    also in pointers. False at `off` switches all of them off; only keys of the map at `on` are switched on; what is a key of the
    map at `defined` counts there and not here. `notes` are what is worth knowing of where the servers come from.
    """

    above: int
    path: str
    format: Format = "json"
    off: str | None = None
    on: str | None = None
    defined: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow(_Row):
    """One file of a client. `shape` says how servers stand in it (None: it holds none), `document` its role for the policy.

    `format` is that of the text, `wrap` that of the file where the text is only a part of it. With a `query` the file is an
    SQLite database, and its value a map from the first column of the answer to the second, each read as `format`.

    `unless` names a file that the client reads in its place, where it exists. `ancestors` says that the client reads the file in
    the folders above the project too: `all`, or those up to the root of the `repository`. `projects` points at a map whose keys
    are the projects that the client remembers. `shared` says that other clients write the file too, so that it counts only for
    users of whom the row's `traces` are found.
    """

    scope: ServerScope
    path: PerSystem
    unless: str | None = None
    ancestors: Literal["all", "repository"] | None = None
    format: Format
    shape: Shape | None = None
    pointer: str = ""
    wrap: WrapRow | None = None
    query: str | None = None
    state: tuple[StateRow, ...] = ()
    document: DocumentKind | None = None
    projects: str | None = None
    shared: bool = False
    confidence: Confidence
    source: str

    @property
    def in_project(self) -> bool:
        """True where the file stands in a project folder."""
        return any("<project>" in template for templates in self.path.values() for template in templates)

    def of_device(self, os: Os) -> bool:
        """Say whether the file holds for every user of the device: it stands in no home."""
        outside = not any(template.startswith("~") for template in self.path.get(os, ()))
        return outside and self.scope in (ServerScope.MANAGED, ServerScope.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectsRow(_Row):
    """Where a client remembers its projects: as `keys` of a map, a file `uri`, several, `lines`, or as JetBrains' IDEs do.

    A `workspace` is the URI of a file that lists folders. `query` as for a file: the first column of the answer is the folder.
    """

    path: PerSystem
    format: Format = "json"
    pointer: str = ""
    shape: Literal["keys", "uri", "uris", "lines", "workspace", "jetbrains"]
    query: str | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerRow(_Row):
    """A file that says where the client keeps something: what stands at `pointer` counts as the value of `variable` in templates.

    In XML `pointer` is the name or key of the element whose value is meant.
    """

    path: PerSystem
    format: Format
    pointer: str
    variable: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRow(_Row):
    """A place where a client keeps servers that cannot be read; `why` completes "<path> …" in a sentence for people."""

    path: PerSystem
    why: str
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginsRow(_Row):
    """Where a client notes its plugins, and the files of a plugin that define servers.

    At `pointer` of the index stands a map from `name@marketplace` to one installation or several, each with an `installPath`.
    `settings` is a file whose map `enabled` says false of a plugin that is switched off. The variable `seeds` lists folders that
    hold plugins without an index, at `layout` below them (marketplace, plugin, version): only those that `enabled` says true of
    are on. The paths of `file` are relative to the plugin's folder; a text, or a list of texts, where servers should stand names
    further files in it.
    """

    index: PerSystem
    pointer: str
    settings: PerSystem
    enabled: str
    seeds: str | None = None
    layout: str = "cache/*/*/*"
    file: tuple[FileRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow(_Row):
    """Where the version of an installed client can be read without running it.

    `path` is a file with the version at `pointer`; `folder` has versions as names; `link` leads to a file named after one.
    A `hint` counts only where nothing better is found.
    """

    kind: str
    path: PerSystem = field(default_factory=dict)
    pointer: str = "/version"
    folder: PerSystem = field(default_factory=dict)
    link: str | None = None
    hint: bool = False
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedRow(_Row):
    """The managed files of a client that enforces a policy.

    `unread` are folders that it does not read on that system, or no longer, and in which such files are put by mistake.
    """

    folder: PerSystem
    unread: PerSystem = field(default_factory=dict)
    settings: str
    dropins: str
    servers: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow(_Row):
    """How the client shows in the process table.

    `options` of its command line move its configuration: each stands for a variable of the path templates. `handed` are those of
    its `variables` that are also set by who starts it: they do not tell that a program is the client.
    """

    executables: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    handed: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    editor: bool = False


@dataclass(frozen=True, kw_only=True)
class ClientRow(_Row):
    """Everything that is known about one client. `traces` are folders that it makes for a user who has started it.

    `off` are the members of an entry by which the client is told not to start it. One that is not known to go by a member starts
    an entry that has it.
    """

    id: str
    title: str
    enforces: bool
    folders: Mapping[str, PerSystem] = field(default_factory=dict)
    traces: PerSystem = field(default_factory=dict)
    file: tuple[FileRow, ...] = ()
    projects: tuple[ProjectsRow, ...] = ()
    pointer: tuple[PointerRow, ...] = ()
    unread: tuple[UnreadRow, ...] = ()
    plugins: PluginsRow | None = None
    note: str = ""
    off: tuple[Literal["disabled", "enabled", "isActive", "active", "state"], ...] = ()
    version: tuple[VersionRow, ...] = ()
    managed: ManagedRow | None = None
    process: ProcessRow = ProcessRow()

    def __post_init__(self) -> None:
        known = {"project", *self.folders, *shared_folders()}
        for template in self.templates:
            used = {part.split(">")[0] for part in template.split("<")[1:]}
            if used - known:
                raise ValueError(f"{template!r} uses <{min(used - known)}>, which [folders] does not define")

    @cached_property
    def places(self) -> Mapping[str, Templates]:
        """Return the folders that its templates may use: its own and those that rows share."""
        return {**shared_folders(), **self.folders}

    @cached_property
    def works_where_started(self) -> bool:
        """True where the folder in which the client runs is its project: not of an editor, which is started from anywhere."""
        return not self.process.editor and any(file.in_project for file in self.file)

    @property
    def templates(self) -> Iterator[str]:
        """Yield every path template of the row."""
        paths: list[Templates] = [self.traces, *self.places.values(), *(row.path for row in self.file)]
        paths += [*(row.path for row in self.projects), *(row.path for row in self.pointer)]
        paths += [row.path for row in self.unread]
        paths += [path for row in self.version for path in (row.path, row.folder)]
        paths += [self.plugins.index, self.plugins.settings] if self.plugins is not None else []
        yield from (template for path in paths for templates in path.values() for template in templates)

    @property
    def marks(self) -> ClientMarks:
        """Return the marks by which the client is told from other processes."""
        process = self.process
        return ClientMarks(
            self.id,
            frozenset(process.executables),
            process.paths,
            frozenset(process.variables),
            process.editor,
            frozenset(process.titles),
            frozenset(process.handed),
        )


@dataclass(frozen=True, eq=False)
class Catalog:
    """Every row, in the order of ids. There is one of it, which equals itself alone."""

    rows: tuple[ClientRow, ...]

    def __getitem__(self, client: str) -> ClientRow:
        return self._by_id[client]

    @cached_property
    def _by_id(self) -> Mapping[str, ClientRow]:
        return {row.id: row for row in self.rows}

    @property
    def marks(self) -> tuple[ClientMarks, ...]:
        """Return the process marks of every client."""
        return tuple(row.marks for row in self.rows)

    @cached_property
    def moving(self) -> frozenset[str]:
        """Return the names of variables that move some client's configuration: the only ones whose values are of interest."""
        named = {match[1] for row in self.rows for text in row.templates for match in VARIABLE.finditer(text)}
        named |= {row.plugins.seeds for row in self.rows if row.plugins is not None and row.plugins.seeds is not None}
        return frozenset(named.union(*(given for given in USUAL.values())))

    @property
    def enforcing(self) -> frozenset[str]:
        """Return the ids of the clients that enforce the organisation's policy themselves."""
        return frozenset(row.id for row in self.rows if row.enforces)


@cache
def shared_folders() -> Mapping[str, Templates]:
    """Return the folders that rows share, by name."""
    text = files("agent.catalog").joinpath("folders.toml").read_text("utf-8")
    return {name: {os: tuple(given[os]) for os in SYSTEMS} for name, given in tomllib.loads(text).items()}


@cache
def catalog() -> Catalog:
    """Return the catalog that came with the program."""
    folder = files("agent.catalog").joinpath("clients")
    texts = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    reader = TypeAdapter(ClientRow)
    return Catalog(tuple(_parsed(reader, texts[name], name) for name in sorted(texts)))


def parse_row(text: str, name: str) -> ClientRow:
    """Return the row that `text` states; raise `CatalogError` naming `name` and the key."""
    return _parsed(TypeAdapter(ClientRow), text, name)


def _parsed(reader: TypeAdapter[ClientRow], text: str, name: str) -> ClientRow:
    try:
        row = reader.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{name}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CatalogError(f"{name}: {where or 'the row'}: {first['msg']}") from None
    if name != f"{row.id}.toml":
        raise CatalogError(f"{name}: the id {row.id!r} is not the file's name")
    return row
