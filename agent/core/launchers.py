"""From a command line to what it launches, in a normal form in which configured and observed commands can be compared.

`launch(["sh", "-c", "npx -y @scope/server@1.2.3 stdio"])` and `launch(["npm exec @scope/server@1.2.3 stdio", "", ""])`
(npm rewrites its title so) both say: npm package `@scope/server`, version `1.2.3`, arguments `stdio`. Launchers stand in
`_FORMS`, interpreters in `_INTERPRETERS`, one row each. Source: `--help` of npm 11, uv 0.13, pipx, bun, pnpm, yarn, deno,
docker, dotnet 10, and process tables recorded under real clients.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from agent.core.commandline import Argv, base_name, simple_command, slashed
from agent.core.stores import stored
from agent.core.wrappers import SHELLS, shell_text, unwrap


class Kind(StrEnum):
    """What a command line names: a package of an ecosystem, a module, a script, a program, or only shell text."""

    NPM = "npm"
    PYPI = "pypi"
    OCI = "oci"
    NUGET = "nuget"
    JSR = "jsr"
    GO = "go"
    URL = "url"
    MODULE = "module"
    SCRIPT = "script"
    PROGRAM = "program"
    INLINE = "inline"  # code or shell text in the command line itself
    UNKNOWN = "unknown"  # a launcher without anything to launch, an interactive interpreter


@dataclass(frozen=True, slots=True)
class Launch:
    """What a command line launches. `args` and `url` may hold secrets; `package`, `program` and `launcher` do not.

    `launcher` is the package launcher (`npx`, `uvx` …), `wrappers` what stood before it (`sh`, `env` …). `specs` are the
    packages as typed, `options` the launcher's own options (`--index-url=…`). `npx_key` names the npx cache folder of a
    program found there. `retitled` marks an npm title, which joins arguments with spaces.
    """

    kind: Kind
    program: str
    package: str | None = None
    version: str | None = None
    args: Argv = field(default=(), repr=False)
    path: str | None = field(default=None, repr=False)
    launcher: str | None = None
    wrappers: tuple[str, ...] = ()
    specs: tuple[str, ...] = field(default=(), repr=False)
    options: frozenset[str] = field(default=frozenset(), repr=False)
    npx_key: str | None = None
    store: str | None = None
    retitled: bool = False

    @property
    def bare(self) -> bool:
        """True where the program is found through PATH."""
        return self.path is not None and "/" not in slashed(self.path)

    @property
    def passes_on(self) -> bool:
        """True where the process only starts the one that does the work."""
        return bool(self.wrappers) or (self.launcher is not None and self.kind is not Kind.OCI)

    @property
    def url(self) -> str | None:
        """The remote server that a bridge (`mcp-remote`, `mcp-proxy`, `supergateway`) leads to."""
        if not BRIDGES.intersection((self.package, self.program)):
            return None
        return next(
            (arg for arg in self.args if arg.lower().startswith(("http://", "https://", "ws://", "wss://"))), None
        )


BRIDGES = frozenset({"mcp-remote", "supergateway", "mcp-proxy", "mcp-streamablehttp-proxy"})
"""Programs that speak stdio to the client and HTTP to a server elsewhere."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to call a launcher. `package` options name the package, `call` options a command line.

    `command` says that what follows is a command of its own (`uv run X`), not a package.
    """

    words: tuple[str, ...]
    kind: Kind
    valued: frozenset[str] = frozenset()
    package: frozenset[str] = frozenset()
    call: frozenset[str] = frozenset()
    command: bool = False
    label: str | None = None


def _options(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NPM_VALUED = _options(
    "--registry --cache --prefix --loglevel --userconfig --globalconfig -w --workspace --script-shell --node-options -C --dir",
)
_UV_VALUED = _options(
    "--with --with-requirements --with-editable --python -p --index --index-url -i --extra-index-url --default-index "
    "--find-links -f --directory --project --cache-dir --config-file --env-file --index-strategy --keyring-provider "
    "--exclude-newer --link-mode --prerelease --resolution --color --allow-insecure-host -P --upgrade-package "
    "--refresh-package --no-build-package --no-binary-package --constraints -c --overrides -b --build-constraints "
    "--extra --group --only-group --no-group --no-extra --package --config-setting -C --python-platform -w",
)
_DOCKER_VALUED = _options(
    "-e --env --env-file -v --volume --mount --name --network --net -p --publish -u --user -w --workdir --entrypoint "
    "-l --label --label-file --platform -m --memory --cpus --add-host -h --hostname --pull --gpus --ipc --pid --cap-add "
    "--cap-drop --security-opt --tmpfs --ulimit --dns --restart --runtime --shm-size --device --cidfile --log-driver "
    "--log-opt --volumes-from --group-add --userns --context -c -H --host --config --stop-signal --stop-timeout --ip "
    "--expose --link --sysctl --health-cmd --annotation --attach -a --blkio-weight --cgroupns --memory-swap --pids-limit",
)
_PIPX_VALUED = _options("--python --index-url -i --pip-args --fetch-missing-python --backend")
_DENO_VALUED = _options("--config -c --import-map --lock --cert --location --seed --ext --env-file --reload -r")
_PACKAGE = _options("-p --package")
_CALL = _options("-c --call")

_NPX = _Form((), Kind.NPM, _NPM_VALUED, _PACKAGE, _CALL, label="npx")
_FORMS: Mapping[str, tuple[_Form, ...]] = MappingProxyType(
    {
        "npx": (_NPX,),
        "npm": tuple(replace(_NPX, words=(word,)) for word in ("exec", "x")),
        "pnpx": (replace(_NPX, label="pnpm dlx"),),
        "pnpm": (
            _Form(("dlx",), Kind.NPM, _NPM_VALUED, _options("--package"), label="pnpm dlx"),
            _Form(("exec",), Kind.NPM, _NPM_VALUED, command=True, label="pnpm exec"),
        ),
        "yarn": (
            _Form(("dlx",), Kind.NPM, _NPM_VALUED, _PACKAGE, label="yarn dlx"),
            _Form(("exec",), Kind.NPM, _NPM_VALUED, command=True, label="yarn exec"),
        ),
        "bunx": (_Form((), Kind.NPM, package=_PACKAGE, label="bunx"),),
        "bun": (
            _Form(("x",), Kind.NPM, package=_PACKAGE, label="bunx"),
            _Form(("run",), Kind.SCRIPT, _options("--cwd --env-file -r --preload"), label="bun"),
        ),
        "deno": tuple(_Form((word,), Kind.SCRIPT, _DENO_VALUED, label="deno") for word in ("run", "serve")),
        "uvx": (_Form((), Kind.PYPI, _UV_VALUED, _options("--from"), label="uvx"),),
        "uv": (
            *(
                _Form(words, Kind.PYPI, _UV_VALUED, _options("--from"), label="uvx")
                for words in (("tool", "uvx"), ("tool", "run"))
            ),
            _Form(("run",), Kind.PYPI, _UV_VALUED, command=True, label="uv run"),
        ),
        "pipx": (_Form(("run",), Kind.PYPI, _PIPX_VALUED, _options("--spec"), label="pipx run"),),
        "hatch": (_Form(("run",), Kind.PYPI, command=True, label="hatch run"),),
        "dnx": (_Form((), Kind.NUGET, _options("--source --add-source --configfile --version"), label="dnx"),),
        "dotnet": tuple(
            _Form(words, Kind.NUGET, _options("--source --add-source --configfile"), label="dnx")
            for words in (("tool", "exec"), ("dnx",))
        ),
        "go": (_Form(("run",), Kind.GO, _options("-C -mod -modfile -tags"), label="go run"),),
        **{
            name: tuple(
                _Form(words, Kind.OCI, _DOCKER_VALUED, label=f"{name} run")
                for words in (("run",), ("container", "run"))
            )
            for name in ("docker", "podman", "nerdctl", "finch")
        },
        "fastmcp": (_Form(("run",), Kind.SCRIPT, _options("--transport -t --host --port -p"), label="fastmcp run"),),
        "mcp": (_Form(("run",), Kind.SCRIPT, _options("--transport -t"), label="mcp run"),),
    },
)


@dataclass(frozen=True, slots=True)
class _Interpreter:
    names: re.Pattern[str]
    valued: frozenset[str] = frozenset()
    module: frozenset[str] = frozenset()
    inline: frozenset[str] = frozenset()
    script: frozenset[str] = frozenset()


_INTERPRETERS = tuple(
    _Interpreter(re.compile(names), *map(_options, columns))
    for names, *columns in (
        (r"(python|pypy)[\d.]*w?t?", "-W -X -Q --check-hash-based-pycs", "-m", "-c", ""),
        (
            r"node(js)?|electron",
            "-r --require --import --loader --experimental-loader -C --conditions --env-file --input-type --icu-data-dir",
            "",
            "-e --eval -p --print",
            "",
        ),
        (
            r"bun|tsx|ts-node",
            "-r --require --import --preload --cwd --env-file --tsconfig -P --project",
            "",
            "-e --eval",
            "",
        ),
        (r"ruby|perl|php", "-I -r", "", "-e", "-f"),
        (r"java|javaw", "-cp -classpath --class-path -p --module-path --add-modules", "-m --module", "", "-jar"),
        (r"powershell|pwsh", "-executionpolicy -ep", "", "-encodedcommand -ec", "-file -f"),
        (r"dotnet|mono|rscript|lua|julia|wasmtime", "--dir", "exec", "-e", ""),
    )
)

_EXACT_NPM = re.compile(r"(?P<package>(?:@[^/@\s]+/)?[^/@:\s]+)(?:@(?P<version>[^/\s]*))?")
_PYPI = re.compile(r"(?P<package>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:(?:==|@)?\s*(?P<version>[^\s;]+))?")
_OCI = re.compile(r"(?P<package>[^\s@]+?)(?P<version>(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]+)?)", re.IGNORECASE)
_NUGET = re.compile(r"(?P<package>[\w.-]+)(?:@(?P<version>\S+))?")
_GO = re.compile(r"(?P<package>[^@\s]+)(?:@(?P<version>\S+))?")
_SPECS = MappingProxyType({Kind.NPM: _EXACT_NPM, Kind.PYPI: _PYPI, Kind.OCI: _OCI, Kind.NUGET: _NUGET, Kind.GO: _GO})

_SCRIPT_SUFFIX = re.compile(r"(?:-cli)?\.(?:c|m)?js$", re.IGNORECASE)
_SCHEMES = MappingProxyType({"npm:": Kind.NPM, "jsr:": Kind.JSR, "http://": Kind.URL, "https://": Kind.URL})


def launch(argv: Sequence[str]) -> Launch | None:
    """Return what `argv` launches, None for an empty command line; total, never raises."""
    return _launch(tuple(argv))


@lru_cache(maxsize=4096)
def _launch(argv: Argv) -> Launch | None:
    plain, retitled = _untitled(argv)
    if not plain:
        return None
    unwrapped = unwrap(plain)
    found = _inline(unwrapped.argv) if unwrapped.opaque else _direct(unwrapped.argv)
    return replace(found, wrappers=unwrapped.wrappers, retitled=retitled)


def _untitled(argv: Argv) -> tuple[Argv, bool]:
    """Undo a rewritten process title: one argument that holds the whole line, then the empty rest of the old ones."""
    if argv and " " in argv[0] and argv[0].split(" ", 1)[0] in ("npm", "npx", "pnpm", "yarn") and not any(argv[1:]):
        return tuple(argv[0].split()), True
    return argv, False


def _direct(argv: Argv) -> Launch:
    name = base_name(argv[0])
    for form in _FORMS.get(name, ()):
        rest = _after_words(form, argv[1:])
        if rest is not None:
            return _by_form(form, rest)
    for interpreter in _INTERPRETERS:
        if interpreter.names.fullmatch(name):
            return _by_interpreter(interpreter, argv)
    if name in SHELLS and shell_text(argv) is None:
        return _script(argv[1:]) or Launch(Kind.UNKNOWN, name)
    return _program(argv)


def _inline(argv: Argv) -> Launch:
    return Launch(Kind.INLINE, base_name(argv[0]), args=argv[1:])


def _program(argv: Argv) -> Launch:
    return _located(Launch(Kind.PROGRAM, base_name(argv[0]), args=argv[1:], path=argv[0]))


def _located(found: Launch) -> Launch:
    """Add what the path of the program tells about its package."""
    home = stored(found.path) if found.path else None
    if home is None:
        return found
    return replace(
        found,
        kind=Kind(home.ecosystem),
        package=home.package,
        version=home.version,
        npx_key=home.npx_key,
        store=home.store,
    )


def _after_words(form: _Form, words: Sequence[str]) -> list[str] | None:
    """Return what follows the form's subcommand words, None where they are not there; global options may stand between."""
    rest = list(words)
    for wanted in form.words:
        for option in _leading_options(form, rest):
            del rest[: len(option)]
        if not rest or rest.pop(0) != wanted:
            return None
    return rest


def _leading_options(form: _Form, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        word = rest.pop(0)
        takes = word in form.valued or word in form.package or word in form.call
        yield (word, rest.pop(0)) if takes and rest else (word,)


def _by_form(form: _Form, words: Sequence[str]) -> Launch:
    found = _formed(form, words)
    return replace(found, options=frozenset("=".join(option) for option in _leading_options(form, words)))


def _formed(form: _Form, words: Sequence[str]) -> Launch:
    rest, specs = list(words), []
    for option in _leading_options(form, words):
        del rest[: len(option)]
        name, equals, joined = option[0].partition("=")
        value = joined if equals else option[-1]
        if name in form.package:
            specs.append(value)
        elif name in form.call:
            call = simple_command(value)
            inner = _program(call) if call else _inline((form.label or "", value))
            return _packaged(form, specs, inner.program, inner.args)
    if rest and rest[0] == "--":
        rest.pop(0)
    if form.command:
        return _command(form, rest)
    if not rest:
        return Launch(Kind.UNKNOWN, form.label or "", launcher=form.label)
    if form.kind is Kind.SCRIPT:
        return replace(_script(rest) or Launch(Kind.UNKNOWN, form.label or ""), launcher=_passing(form))
    return _packaged(form, specs, rest[0], tuple(rest[1:]))


def _passing(form: _Form) -> str | None:
    """`deno run` and `bun run` are the interpreter itself; the others start one."""
    return None if form.label in ("deno", "bun") else form.label


def _command(form: _Form, rest: Sequence[str]) -> Launch:
    if not rest:
        return Launch(Kind.UNKNOWN, form.label or "", launcher=form.label)
    if form.label == "uv run" and rest[0].endswith(".py"):
        return replace(_script(rest) or Launch(Kind.UNKNOWN, "uv"), launcher=form.label)
    return replace(_direct(tuple(rest)), launcher=form.label)


def _packaged(form: _Form, specs: Sequence[str], word: str, args: Argv) -> Launch:
    """`word` is the program of the package in `specs`, or itself the package where none is named."""
    spec = specs[0] if specs else word
    package, version = parse_spec(form.kind, spec)
    program = word if specs else package.rsplit("/", 1)[-1]
    return Launch(
        form.kind,
        base_name(program),
        package,
        version,
        args,
        launcher=form.label,
        specs=tuple(specs) or (word,),
    )


def parse_spec(kind: Kind, spec: str) -> tuple[str, str | None]:
    """Return the package's normal name and its version or tag; a spec of another shape (git, file, URL) is its own name."""
    found = _SPECS[kind].fullmatch(spec)
    if found is None:
        return spec, None
    package, version = found["package"], found["version"] or None
    if kind is Kind.PYPI:
        package = re.sub(r"[-_.]+", "-", package).lower()
    return package, version.removeprefix(":") if version else None


def _by_interpreter(interpreter: _Interpreter, argv: Argv) -> Launch:
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        option = word.lower() if word.lower() in interpreter.script else word
        if option in interpreter.module and rest:
            return Launch(Kind.MODULE, rest[0], args=tuple(rest[1:]))
        if option in interpreter.inline:
            return _inline(argv)
        if option in interpreter.script or word in ("--", "run"):
            break
        if option in interpreter.valued and rest:
            rest.pop(0)
        elif not word.startswith("-"):
            rest.insert(0, word)
            break
    return _script(rest) or Launch(Kind.UNKNOWN, base_name(argv[0]))


def _script(words: Sequence[str]) -> Launch | None:
    """A script and its arguments. A launcher's own script (`npx-cli.js`) is that launcher; `npm:x` names a package."""
    if not words or words[0].startswith("-"):
        return None
    path = words[0]
    for scheme, kind in _SCHEMES.items():
        if path.startswith(scheme):
            return _by_scheme(kind, path.removeprefix("npm:"), tuple(words[1:]))
    name = _SCRIPT_SUFFIX.sub("", base_name(path))
    for form in _FORMS.get(name, ()):
        rest = _after_words(form, words[1:])
        if rest is not None and path.rsplit(".", 1)[-1] != "py":
            return _by_form(form, rest)
    return _located(Launch(Kind.SCRIPT, base_name(path), args=tuple(words[1:]), path=path))


def _by_scheme(kind: Kind, spec: str, args: Argv) -> Launch:
    if kind is not Kind.NPM:
        return Launch(kind, base_name(spec), args=args, path=spec, specs=(spec,))
    package, version = parse_spec(kind, spec)
    return Launch(kind, base_name(package), package, version, args, specs=(spec,))
