"""One look at the configuration of 50 users x 80 clients x 200 projects, cold and warm; `look.py USERS PROJECTS` for others."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.catalog.rows import catalog
from agent.core.basis import SETTLED_NS
from agent.host.files import RootedFiles
from agent.host.users import HomeUsers
from agent.sources.configs import ConfigSource
from benchmarks.measure import table
from benchmarks.tree import plant

USERS, PROJECTS = 50, 200


def main() -> None:
    users, projects = (int(text) for text in sys.argv[1:3]) if len(sys.argv) > 2 else (USERS, PROJECTS)
    with TemporaryDirectory() as folder:
        files = plant(Path(folder), users, projects)
        time.sleep(SETTLED_NS / 1e9)  # what was written a moment ago is not trusted
        rooted = RootedFiles(Path(folder), "linux")
        source = ConfigSource(rooted, HomeUsers(rooted), catalog())
        rows = []
        for name in ("cold", "warm", "warm again"):
            wall, cpu, servers = _timed(lambda: sum(len(look.servers) for look in source.look()))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
            rows.append([f"{name}: {files} files, {servers} servers", f"{wall:.2f}", f"{cpu:.2f}", f"{peak:.0f}"])
    table([f"{users} users x {len(catalog().rows)} clients x {projects} projects", "wall s", "cpu s", "peak MB"], rows)


def _timed(what: Callable[[], int]) -> tuple[float, float, int]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = what()
    return time.perf_counter() - wall, time.process_time() - cpu, result


if __name__ == "__main__":
    main()
