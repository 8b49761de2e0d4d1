"""The launchers and interpreters that start MCP servers, one row each.

Sources: `--help` of npm 11, uv 0.13, pipx 1.18, bun, pnpm, yarn, deno, docker, dotnet 10, go; the interpreters' manuals.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


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
class Form:
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

_NPX = Form((), Kind.NPM, _NPM_VALUED, _PACKAGE, _CALL, label="npx")
FORMS: Mapping[str, tuple[Form, ...]] = MappingProxyType(
    {
        "npx": (_NPX,),
        "npm": tuple(replace(_NPX, words=(word,)) for word in ("exec", "x")),
        "pnpx": (replace(_NPX, label="pnpm dlx"),),
        "pnpm": (
            Form(("dlx",), Kind.NPM, _NPM_VALUED, _options("--package"), label="pnpm dlx"),
            Form(("exec",), Kind.NPM, _NPM_VALUED, command=True, label="pnpm exec"),
        ),
        "yarn": (
            Form(("dlx",), Kind.NPM, _NPM_VALUED, _PACKAGE, label="yarn dlx"),
            Form(("exec",), Kind.NPM, _NPM_VALUED, command=True, label="yarn exec"),
        ),
        "bunx": (Form((), Kind.NPM, package=_PACKAGE, label="bunx"),),
        "bun": (
            Form(("x",), Kind.NPM, package=_PACKAGE, label="bunx"),
            Form(("run",), Kind.SCRIPT, _options("--cwd --env-file -r --preload"), label="bun"),
        ),
        "deno": tuple(Form((word,), Kind.SCRIPT, _DENO_VALUED, label="deno") for word in ("run", "serve")),
        "uvx": (Form((), Kind.PYPI, _UV_VALUED, _options("--from"), label="uvx"),),
        "uv": (
            *(
                Form(words, Kind.PYPI, _UV_VALUED, _options("--from"), label="uvx")
                for words in (("tool", "uvx"), ("tool", "run"))
            ),
            Form(("run",), Kind.PYPI, _UV_VALUED, command=True, label="uv run"),
        ),
        "pipx": (Form(("run",), Kind.PYPI, _PIPX_VALUED, _options("--spec"), label="pipx run"),),
        "hatch": (Form(("run",), Kind.PYPI, command=True, label="hatch run"),),
        "dnx": (Form((), Kind.NUGET, _options("--source --add-source --configfile --version"), label="dnx"),),
        "dotnet": tuple(
            Form(words, Kind.NUGET, _options("--source --add-source --configfile"), label="dnx")
            for words in (("tool", "exec"), ("dnx",))
        ),
        "go": (Form(("run",), Kind.GO, _options("-C -mod -modfile -tags"), label="go run"),),
        **{
            name: tuple(
                Form(words, Kind.OCI, _DOCKER_VALUED, label=f"{name} run") for words in (("run",), ("container", "run"))
            )
            for name in ("docker", "podman", "nerdctl", "finch")
        },
        "fastmcp": (Form(("run",), Kind.SCRIPT, _options("--transport -t --host --port -p"), label="fastmcp run"),),
        "mcp": (Form(("run",), Kind.SCRIPT, _options("--transport -t"), label="mcp run"),),
    },
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One interpreter: options that take a value, name a module, hold code, or name the script."""

    names: re.Pattern[str]
    valued: frozenset[str] = frozenset()
    module: frozenset[str] = frozenset()
    inline: frozenset[str] = frozenset()
    script: frozenset[str] = frozenset()


INTERPRETERS = tuple(
    Interpreter(re.compile(names), *map(_options, columns))
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
SPECS = MappingProxyType({Kind.NPM: _EXACT_NPM, Kind.PYPI: _PYPI, Kind.OCI: _OCI, Kind.NUGET: _NUGET, Kind.GO: _GO})
