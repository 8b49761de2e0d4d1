"""Which process writes in a folder, where this system tells it."""

import sys

from agent.ports import FileWriters, NoEvents

if sys.platform == "linux":
    from agent.host.file_writers_linux import Fanotify

    def file_writers() -> FileWriters | NoEvents:
        """Subscribe to the kernel's notifications."""
        try:
            return Fanotify()
        except PermissionError:
            return NoEvents("the kernel's fanotify tells who writes a file to CAP_SYS_ADMIN alone")
        except OSError as error:
            return NoEvents(f"the kernel's fanotify is not to be had here: {error.strerror}")

else:

    def file_writers() -> FileWriters | NoEvents:
        """Say that this system tells nothing that is asked for yet."""
        return NoEvents("this system is not asked which process writes a file")
