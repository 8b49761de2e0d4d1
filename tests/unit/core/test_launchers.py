"""Command lines in normal form."""

import shlex

import pytest

from agent.core.launcher_tables import Kind
from agent.core.launchers import launch

NPX = ("npx", "-y", "@scope/server@1.2.3", "stdio")


@pytest.mark.parametrize(
    "command",
    [
        NPX,
        ("npx.cmd", *NPX[1:]),
        ("/usr/local/bin/npx", "--yes", "--registry", "https://registry.example", *NPX[2:]),
        ("npm", "exec", "-y", "--", *NPX[2:]),
        ("npm exec @scope/server@1.2.3 stdio", "", "", ""),
        ("npm", "exec", *NPX[2:]),
        ("node", "/usr/bin/npx", *NPX[1:]),
        ("C:\\Program Files\\nodejs\\node.exe", "C:\\npm\\bin\\npx-cli.js", *NPX[1:]),
        ("sh", "-c", "npx -y @scope/server@1.2.3 stdio"),
        ("bash", "-l", "-c", "cd /srv && export A=b; exec npx -y @scope/server@1.2.3 stdio 2>>/tmp/log"),
        ("/usr/bin/env", "-u", "HOME", "A=b", *NPX),
        ("cmd", "/c", *NPX),
        ("cmd.exe", "/d", "/s", "/c", '"npx.cmd -y @scope/server@1.2.3 stdio"'),
        ("cmd.exe", "/e:ON", "/d", "/c", "C:\\Program", "Files\\nodejs\\npx.cmd -y @scope/server@1.2.3 stdio"),
        ("powershell", "-NoProfile", "-ExecutionPolicy", "Bypass", "-Command", "& npx -y @scope/server@1.2.3 stdio"),
        ("mise", "exec", "node@20", "--", *NPX),
        ("volta", "run", "--node", "20", *NPX),
        ("mise", "x", "node@20", "--", *NPX),
        ("mise", "exec", "node@20", "--command", "npx -y @scope/server@1.2.3 stdio"),
        ("mise", "x", "-c=npx -y @scope/server@1.2.3 stdio"),
        ("asdf", "exec", *NPX),
        ("fnm", "exec", "--using", "20", *NPX),
        ("bash", "-lc", "source ~/.nvm/nvm.sh && nvm exec 20.11.1 npx -y @scope/server@1.2.3 stdio"),
        ("nvm", "exec", "--silent", "lts/iron", *NPX),
        ("nvm", "exec", *NPX),
        ("/home/ann/.nvm/nvm-exec", *NPX),
        ("n", "exec", "20", *NPX),
        ("op", "run", "--env-file=.env", "--", *NPX),
        ("sudo", "-u", "bob", "timeout", "-k", "2", "45", *NPX),
        ("unshare", "--net", "--map-user", "0", "--pid", "--fork", *NPX),
        ("/Applications/Claude.app/Contents/Helpers/disclaimer", "--pgroup", "--", *NPX),
    ],
    ids=" ".join,
)
def test_every_way_to_say_npx_is_one_launch(command: tuple[str, ...]) -> None:
    found = launch(command)
    assert found is not None
    assert (found.kind, found.package, found.version, found.args) == (Kind.NPM, "@scope/server", "1.2.3", ("stdio",))
    assert found.launcher == "npx"
    assert found.passes_on


@pytest.mark.parametrize(
    ("command", "kind", "name", "version", "args"),
    [
        ("npx --yes --package=@scope/pkg@2.0 -- tool /dir", Kind.NPM, "@scope/pkg", "2.0", "/dir"),
        ("npx -p pkg -c 'tool a'", Kind.NPM, "pkg", None, "a"),
        ("bunx --bun pkg@latest a", Kind.NPM, "pkg", "latest", "a"),
        ("bun x pkg a", Kind.NPM, "pkg", None, "a"),
        ("pnpm dlx pkg a", Kind.NPM, "pkg", None, "a"),
        ("yarn dlx -p pkg tool a", Kind.NPM, "pkg", None, "a"),
        ("deno run -A npm:@scope/pkg@1.0.0 a", Kind.NPM, "@scope/pkg", "1.0.0", "a"),
        ("deno run https://example.org/x.ts a", Kind.URL, "x.ts", None, "a"),
        ("uvx Mcp_Server.Time==1.2 a", Kind.PYPI, "mcp-server-time", "1.2", "a"),
        ("uvx --from pkg[cli]@1.2 tool a", Kind.PYPI, "pkg", "1.2", "a"),
        ("/opt/uv tool uvx --with x pkg a", Kind.PYPI, "pkg", None, "a"),
        ("uv tool run --python 3.12 pkg a", Kind.PYPI, "pkg", None, "a"),
        ("uv --directory /srv run server.py a", Kind.SCRIPT, "server.py", None, "a"),
        ("uv run --with x python -m mod a", Kind.MODULE, "mod", None, "a"),
        ("pipx run --spec pkg==3 tool a", Kind.PYPI, "pkg", "3", "a"),
        ("python3.12 -X utf8 -m mod a", Kind.MODULE, "mod", None, "a"),
        ("/venv/bin/python /venv/bin/tool a", Kind.SCRIPT, "tool", None, "a"),
        ("node --max-old-space-size=1 -r x.js /srv/index.js a", Kind.SCRIPT, "index.js", None, "a"),
        ("java -cp x -jar /srv/server.jar a", Kind.SCRIPT, "server.jar", None, "a"),
        ("bash /srv/start.sh a", Kind.SCRIPT, "start.sh", None, "a"),
        ("fastmcp run server.py a", Kind.SCRIPT, "server.py", None, "a"),
        ("docker run -i --rm -e KEY=v --network none mcp/time:1.0 a", Kind.OCI, "mcp/time", "1.0", "a"),
        ("podman container run localhost:5000/x/y a", Kind.OCI, "localhost:5000/x/y", None, "a"),
        ("dnx Pkg.Name@1.0.0 a", Kind.NUGET, "Pkg.Name", "1.0.0", "a"),
        ("go run example.org/x/cmd@v1.0.0 a", Kind.GO, "example.org/x/cmd", "v1.0.0", "a"),
        ("/opt/bin/server a", Kind.PROGRAM, "server", None, "a"),
    ],
)
def test_each_launcher_has_its_normal_form(  # the columns of the table
    command: str, kind: Kind, name: str, version: str | None, args: str
) -> None:
    found = launch(shlex.split(command))
    assert found is not None
    assert (found.kind, found.package or found.program, found.version) == (kind, name, version)
    assert found.args == (args,)


@pytest.mark.parametrize(
    ("path", "package", "version", "store"),
    [
        ("/h/.npm/_npx/5b2dd62b9d0bddd4/node_modules/.bin/tool", None, None, "npx cache"),
        (
            "C:\\npm-cache\\_npx\\032f58d5d01cd066\\node_modules\\.bin\\\\..\\pkg\\dist\\index.js",
            "pkg",
            None,
            "npx cache",
        ),
        ("/tmp/.bunx-0/@scope/pkg@latest/node_modules/.bin/tool", "@scope/pkg", "latest", "bun cache"),
        (
            "/c/pnpm/dlx/a/b/node_modules/.bin/../.pnpm/@s+p@2026.8.31/node_modules/@s/p/dist/index.js",
            "@s/p",
            "2026.8.31",
            "pnpm store",
        ),
        ("/srv/node_modules/a/node_modules/@s/p/index.js", "@s/p", None, "node_modules"),
    ],
)
def test_a_program_in_a_package_store_is_known_by_its_path(
    path: str, package: str | None, version: str | None, store: str
) -> None:
    found = launch(["node", path])
    assert found is not None
    assert (found.kind, found.package, found.version, found.store) == (Kind.NPM, package, version, store)


@pytest.mark.parametrize("text", ["npx a | tee log", "npx $(cat x)", "a && b", "source x && eval 'npx y' && pwd", "'"])
def test_shell_text_that_is_more_than_one_plain_command_is_not_interpreted(text: str) -> None:
    found = launch(["bash", "-c", text])
    assert found is not None
    assert found.kind is Kind.INLINE
    assert found.passes_on


def test_an_interactive_shell_launches_nothing() -> None:
    found = launch(["bash", "-l"])
    assert found is not None
    assert found.kind is Kind.UNKNOWN
    assert not found.passes_on


def test_an_empty_command_line_is_no_launch() -> None:
    assert launch([]) is None


def test_a_bridge_names_the_remote_server() -> None:
    found = launch(["npx", "-y", "mcp-remote", "https://example.org/mcp", "--header", "K:secret"])
    assert found is not None
    assert found.url == "https://example.org/mcp"
    other = launch(["npx", "-y", "open", "https://example.org/mcp"])
    assert other is not None
    assert other.url is None


def test_arguments_and_specs_stay_out_of_a_launch_shown_as_text() -> None:
    assert "hunter2" not in repr(launch(["npx", "--token=hunter2", "pkg", "hunter2", "https://u:hunter2@x"]))
