"""What a Linux inside Windows (WSL) sees of that machine's managed files: those on its drive C, as the client inside reads them.

The registry is not seen from inside: only Windows' own program tells of it, and nothing that is found is run.
"""

from collections.abc import Callable, Iterator

from agent.core.observation import Coverage, CoverageState, Document, DocumentKind, Scope
from agent.core.place import Data, Names
from agent.core.policy.managed import counts_as_dropin
from agent.ports import Files

DRIVE = "/mnt/c"
FOLDER = f"{DRIVE}/Program Files/ClaudeCode"
_KERNEL = "/proc/version"
_REGISTRY = (
    "this Linux runs inside Windows (WSL): a policy in HKLM that sets wslInheritsWindowsSettings comes before what stands here, "
    "and the registry is not seen from here; see what the agent on Windows reports"
)


def inside_windows(files: Files) -> bool:
    """Say whether this Linux runs inside Windows, by the same words of the kernel as the client goes by."""
    content = files.read(_KERNEL)
    return files.os == "linux" and isinstance(content, Data) and b"microsoft" in content.raw.lower()


def windows_documents(files: Files, read: Callable[[DocumentKind, str], Document]) -> Iterator[Document]:
    """Yield the managed settings of Windows and their drop-ins."""
    yield read(DocumentKind.WINDOWS_SETTINGS, f"{FOLDER}/managed-settings.json")
    listing = files.names(f"{FOLDER}/managed-settings.d")
    for name in listing.names if isinstance(listing, Names) else ():
        if counts_as_dropin(name):
            yield read(DocumentKind.WINDOWS_DROPIN, f"{FOLDER}/managed-settings.d/{name}")


def registry_unseen() -> Coverage:
    """Return the row that says that the registry of Windows is not looked at from here."""
    return Coverage(Scope("managed", path="windows"), CoverageState.SKIPPED, _REGISTRY)
