"""Which watcher is this system's own."""

import sys

if sys.platform == "linux":
    from agent.host.watch_linux import InotifyWatcher as NativeWatcher
else:
    from agent.host.watch_portable import WatchdogWatcher as NativeWatcher

__all__ = ["NativeWatcher"]
