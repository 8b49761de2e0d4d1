"""From a command line to what it launches, in a normal form in which configured and observed commands can be compared.

`launch(["sh", "-c", "npx -y @scope/server@1.2.3 stdio"])` and `launch(["npm exec @scope/server@1.2.3 stdio", "", ""])`
(npm rewrites its title so) both say: npm package `@scope/server`, version `1.2.3`, arguments `stdio`. The
launchers and interpreters themselves are the rows of `agent.core.launcher_tables`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from agent.core.brief import remembered
from agent.core.commandline import Argv, base_name, simple_command, slashed
from agent.core.launcher_tables import FORMS, INTERPRETERS, SPECS, Form, Interpreter, Kind
from agent.core.stores import stored
from agent.core.wrappers import SHELLS, shell_text, unwrap


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
        """True where the program is found through PATH; an interpreter finds its script where it was started."""
        return self.path is not None and self.kind is not Kind.SCRIPT and "/" not in slashed(self.path)

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


_SCRIPT_SUFFIX = re.compile(r"(?:-cli)?\.(?:c|m)?js$", re.IGNORECASE)
_SCHEMES = MappingProxyType({"npm:": Kind.NPM, "jsr:": Kind.JSR, "http://": Kind.URL, "https://": Kind.URL})


def launch(argv: Sequence[str]) -> Launch | None:
    """Return what `argv` launches, None for an empty command line; total, never raises."""
    return _remembered(tuple(argv))


def launch_anew(argv: Argv) -> Launch | None:
    """Return what `launch` does, and remember nothing: for who asks once about each of what starts all day."""
    plain, retitled = _untitled(argv)
    if not plain:
        return None
    unwrapped = unwrap(plain)
    found = _inline(unwrapped.argv) if unwrapped.opaque else _direct(unwrapped.argv)
    return replace(found, wrappers=unwrapped.wrappers, retitled=retitled)


_remembered = remembered(4096)(launch_anew)


def _untitled(argv: Argv) -> tuple[Argv, bool]:
    """Undo a rewritten process title: one argument that holds the whole line, then the empty rest of the old ones."""
    if argv and " " in argv[0] and argv[0].split(" ", 1)[0] in ("npm", "npx", "pnpm", "yarn") and not any(argv[1:]):
        return tuple(argv[0].split()), True
    return argv, False


def _direct(argv: Argv) -> Launch:
    name = base_name(argv[0])
    for form in FORMS.get(name, ()):
        rest = _after_words(form, argv[1:])
        if rest is not None:
            return _by_form(form, rest)
    for interpreter in INTERPRETERS:
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


def _after_words(form: Form, words: Sequence[str]) -> list[str] | None:
    """Return what follows the form's subcommand words, None where they are not there; global options may stand between."""
    rest = list(words)
    for wanted in form.words:
        for option in _leading_options(form, rest):
            del rest[: len(option)]
        if not rest or rest.pop(0) != wanted:
            return None
    return rest


def _leading_options(form: Form, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        word = rest.pop(0)
        takes = word in form.valued or word in form.package or word in form.call
        yield (word, rest.pop(0)) if takes and rest else (word,)


def _by_form(form: Form, words: Sequence[str]) -> Launch:
    found = _formed(form, words)
    return replace(found, options=frozenset("=".join(option) for option in _leading_options(form, words)))


def _formed(form: Form, words: Sequence[str]) -> Launch:
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


def _passing(form: Form) -> str | None:
    """`deno run` and `bun run` are the interpreter itself; the others start one."""
    return None if form.label in ("deno", "bun") else form.label


def _command(form: Form, rest: Sequence[str]) -> Launch:
    if not rest:
        return Launch(Kind.UNKNOWN, form.label or "", launcher=form.label)
    if form.label == "uv run" and rest[0].endswith(".py"):
        return replace(_script(rest) or Launch(Kind.UNKNOWN, "uv"), launcher=form.label)
    return replace(_direct(tuple(rest)), launcher=form.label)


def _packaged(form: Form, specs: Sequence[str], word: str, args: Argv) -> Launch:
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
    found = SPECS[kind].fullmatch(spec)
    if found is None:
        return spec, None
    package, version = found["package"], found["version"] or None
    if kind is Kind.PYPI:
        package = re.sub(r"[-_.]+", "-", package).lower()
    return package, version.removeprefix(":") if version else None


def _by_interpreter(interpreter: Interpreter, argv: Argv) -> Launch:
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
    for form in FORMS.get(name, ()):
        rest = _after_words(form, words[1:])
        if rest is not None and path.rsplit(".", 1)[-1] != "py":
            return _by_form(form, rest)
    return _located(Launch(Kind.SCRIPT, base_name(path), args=tuple(words[1:]), path=path))


def _by_scheme(kind: Kind, spec: str, args: Argv) -> Launch:
    if kind is not Kind.NPM:
        return Launch(kind, base_name(spec), args=args, path=spec, specs=(spec,))
    package, version = parse_spec(kind, spec)
    return Launch(kind, base_name(package), package, version, args, specs=(spec,))
