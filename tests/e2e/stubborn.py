"""An MCP server that runs on when its client is gone: no well-behaved one does, and a leftover one is what is to be noticed."""

import json
import signal
import sys


def main() -> None:
    """Answer until standard input ends, and then stay."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            given = asked.get("params", {}).get("protocolVersion")
            hello = {"protocolVersion": given, "capabilities": {}, "serverInfo": {"name": "stubborn", "version": "1"}}
            result = hello if asked["method"] == "initialize" else {"tools": []}
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}) + "\n")
            sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
