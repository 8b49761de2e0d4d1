"""The signed record of what the managed files must be: `mcp-compliance baseline create|sign|verify`.

  create             record the managed files of this machine, or of --root, as they are now
  sign FILE --key K  write FILE.sig with an Ed25519 private key; the same as
                     `ssh-keygen -Y sign -n mcp-compliance-baseline -f K FILE`, which also knows agents, tokens and passwords
  verify FILE        is it signed by a key of the settings (or --public-key), and in its time? With --root or --files:
                     are the managed files what it says?

Put FILE and FILE.sig into the folder `baselines` beside the agent's settings, and the public key into the setting
`[baseline] public_keys`. A device then accepts no baseline that is older than the newest it has seen.

Exit status: 0 done, or everything is right; 1 verify found something wrong; 2 not answered (bad usage, a file that cannot be
read).
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from agent.app.baselines import Term, create, hold
from agent.cli.options import Prepared, add_global, prepare
from agent.cli.places import UsageError, add_settings
from agent.cli.text import one_line
from agent.core.baseline.document import Baseline, BaselineError, moment, read_baseline, read_moment, written
from agent.core.baseline.sshsig import SignatureError, fingerprint, public_key, signed_with, signer
from agent.core.baseline.trust import Memory, Standing, weigh
from agent.core.observation import BaselineFile
from agent.core.place import Content, Data, Missing
from agent.sources.managed import SIGNATURE

_MAX_BYTES = 32 << 20
_AS_RECORDED = frozenset({"intact", "unverified", "exposed"})
"""An exposed file is what the baseline says; that others could change it is for `check` to tell."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions, each with its own options, so that these may stand before and behind the file."""
    actions = parser.add_subparsers(metavar="create|sign|verify", dest="action", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.add_argument("file", nargs="?", metavar="FILE", help="the baseline")
        return made

    create = action("create", "record the managed files as they are now, in FILE or on standard output")
    create.add_argument("--serial", type=int, metavar="N", help="grows with every baseline (default: the Unix time)")
    create.add_argument(
        "--holds-from", type=int, metavar="N", help="lowest serial that stays valid beside it (default: its own)"
    )
    create.add_argument("--expires", metavar="DAY", help="until when it counts, such as 2027-05-01 (default: for ever)")
    create.add_argument(
        "--deployed", action="store_true", help="record owner root and mode 0644, whoever holds the files here"
    )
    add_global(create)
    sign = action("sign", "write FILE.sig with an Ed25519 private key")
    sign.add_argument("--key", metavar="K", help="file with the private key, as `ssh-keygen -t ed25519` makes it")
    add_settings(sign)
    verify = action("verify", "is FILE signed by a key that may, and are the managed files what it says?")
    verify.add_argument(
        "--public-key",
        action="append",
        default=[],
        metavar="LINE|FILE",
        help="a key that may sign, in place of the settings'",
    )
    verify.add_argument("--files", action="store_true", help="hold this machine's managed files to it")
    add_global(verify)


def run(arguments: argparse.Namespace) -> int:
    """Create, sign or verify."""
    return {"create": _create, "sign": _sign, "verify": _verify}[arguments.action](arguments)


def _create(arguments: argparse.Namespace) -> int:
    prepared = prepare(arguments)
    now = float(int(time.time()))
    serial = int(now) if arguments.serial is None else arguments.serial
    if serial < 1:
        raise UsageError("--serial: a whole number from 1 on is wanted")
    expires = _moment(arguments.expires)
    if expires is not None and expires <= now:
        raise UsageError(f"--expires {arguments.expires}: that is past already, and nobody would go by this baseline")
    term = Term(serial, now, expires, arguments.holds_from)
    baseline = create(prepared.target, prepared.machine, term, deployed=arguments.deployed)
    if arguments.file is None:
        sys.stdout.write(written(baseline))
        return 0
    _write(Path(arguments.file), written(baseline).encode())
    _tell(arguments, {"file": arguments.file, "serial": serial, "files": [record.path for record in baseline.files]})
    return 0


def _sign(arguments: argparse.Namespace) -> int:
    if arguments.file is None or arguments.key is None:
        raise UsageError("sign wants FILE and --key K")
    path = Path(arguments.file)
    try:
        signature = signed_with(_read(path), _read(Path(arguments.key)))
    except SignatureError as error:
        raise UsageError(f"--key {arguments.key}: {error}") from None
    _write(Path(f"{path}{SIGNATURE}"), signature)
    _tell(arguments, {"file": str(path), "signature": f"{path}{SIGNATURE}"})
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.file is None:
        raise UsageError("verify wants FILE")
    prepared = prepare(arguments)
    path, now = Path(arguments.file), time.time()
    keys = _keys(arguments, prepared)
    file = BaselineFile(str(path), Data(_read(path), ()), _signature(path))
    if not keys and isinstance(file.signature, Data):
        raise UsageError("no key is known that the signature could be checked with: give --public-key, or set it")
    standing, baseline = _weighed(file, keys, now)
    rows = []
    if not standing.refused and (arguments.root or arguments.files):
        rows = hold(prepared.target, prepared.machine, file, keys, now)
    wrong = [row for row in rows if row.state not in _AS_RECORDED]
    _tell(
        arguments,
        {
            "file": str(path),
            "accepted": not standing.refused,
            "why": [f"{refusal.code}: {refusal.why}" for refusal in standing.refused],
            "signed_by": None
            if not standing.proven
            else fingerprint(signer(_raw(file.content), _raw(file.signature), keys)),
            "serial": baseline.serial if baseline else None,
            "issued": moment(baseline.issued) if baseline else None,
            "expires": moment(baseline.expires) if baseline and baseline.expires is not None else None,
            "managed_files": [asdict(row) for row in rows],
        },
    )
    return 1 if standing.refused or wrong else 0


def _weighed(file: BaselineFile, keys: tuple[str, ...], now: float) -> tuple[Standing, Baseline | None]:
    """Return how the baseline stands on the system that it is for."""
    try:
        baseline = read_baseline(_raw(file.content))
    except BaselineError:
        baseline = None
    standing, _ = weigh([file], keys, Memory(), now, baseline.os if baseline is not None else "linux")
    return standing, baseline


def _keys(arguments: argparse.Namespace, prepared: Prepared) -> tuple[str, ...]:
    if not arguments.public_key:
        return prepared.loaded.settings.baseline.public_keys
    lines = []
    for given in arguments.public_key:
        line = given if given.startswith("ssh-") else _read(Path(given)).decode("utf-8", "replace").strip()
        try:
            public_key(line)
        except SignatureError as error:
            raise UsageError(f"--public-key {given}: {error}") from None
        lines.append(line)
    return tuple(lines)


def _signature(path: Path) -> Content:
    beside = Path(f"{path}{SIGNATURE}")
    return Data(_read(beside), ()) if beside.exists() else Missing()


def _raw(content: Content) -> bytes:
    return content.raw if isinstance(content, Data) else b""


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return read_moment(text)
    except ValueError:
        raise UsageError(f"--expires {text}: a day such as 2027-05-01 is wanted") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MAX_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _write(path: Path, raw: bytes) -> None:
    try:
        path.write_bytes(raw)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


_WORDS = {"True": "yes", "False": "no"}


def _tell(arguments: argparse.Namespace, document: dict[str, object]) -> None:
    if arguments.json:
        print(json.dumps(document))
        return
    for name, value in document.items():
        if name == "managed_files" and isinstance(value, list):
            for row in value:
                print(one_line(f"{row['state']:<11} {row['path']}  {' '.join(row['problems'])}").rstrip())
        elif value not in (None, []):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else _WORDS.get(str(value), str(value))
            print(one_line(f"{name.replace('_', ' ')}: {shown}"))
