"""A storm of short-lived programs, as a build or a shell script makes one."""

STORM = """
import os, sys, time
started, begun, rate = 0, time.monotonic(), float(sys.argv[1])
while True:
    while started < (time.monotonic() - begun) * rate:
        os.posix_spawn("/bin/true", ["true"], {})
        started += 1
    time.sleep(0.002)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""
"""A program of Python that starts as many a second as its argument says, until it is ended."""
