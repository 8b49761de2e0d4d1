"""Look for weaknesses in a managed policy, before or after it is deployed: `mcp-compliance policy lint [FILE…]`.

Without a FILE the managed files of this machine (or of --root) are read; `-` is standard input, so that a pipeline can gate a
policy before it is deployed. Each finding names the file, the line and column, what happens, and the corrected entry.

Exit status: 0 nothing of severity medium or above, 1 at least one such finding, 2 not answered (bad usage, a file that cannot
be read).
"""

import argparse
import sys
from pathlib import Path

from agent import __version__
from agent.app.looking import managed_documents
from agent.cli.options import add_global, prepare
from agent.cli.places import UsageError
from agent.core.observation import Document
from agent.core.policy.lint import document_from, lint
from agent.core.policy.lint_report import Format, render

MAX_BYTES = 32 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    actions = parser.add_subparsers(metavar="lint", dest="action", required=True)
    action = actions.add_parser(  # of its own, so that options may stand before the files too
        "lint", help="look for weaknesses", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    action.add_argument(
        "files", nargs="*", metavar="FILE", help="managed files; `-` is standard input (default: this machine's)"
    )
    action.add_argument(
        "--format", choices=("text", "json", "sarif"), default="text", help="how to print it (default: text)"
    )
    add_global(action)


def run(arguments: argparse.Namespace) -> int:
    """Lint."""
    prepared = prepare(arguments)
    given = [_given(name) for name in arguments.files]
    documents = given or managed_documents(prepared.target, prepared.machine)
    findings = lint(documents, client_version=prepared.target.client_version, whole=not given)
    form: Format = "json" if arguments.json else arguments.format
    print(render(findings, form, version=__version__))
    return 1 if any(finding.severity.counts for finding in findings) else 0


def _given(name: str) -> Document:
    if name == "-":
        return document_from("managed-settings.json", _bounded(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"))
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"{name}: there is no such file")
    try:
        with path.open("rb") as stream:
            return document_from(name, _bounded(stream.read(MAX_BYTES + 1), name))
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from None


def _bounded(raw: bytes, name: str) -> bytes:
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{name}: larger than {MAX_BYTES} bytes, which no client reads")
    return raw
