"""A real MCP host: starts stdio servers with the official SDK's client, as told on standard input, and says what they answer.

Run by the interpreter that has the SDK: `python host.py SERVERS.json`, a file that maps names to commands. Each line of standard
input is `start NAME` or `stop NAME`; each gets one JSON line. At the end of standard input every server is stopped.
"""

import asyncio
import json
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters, stdio_client


def main() -> None:
    """Serve standard input."""
    commands = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(_serve(commands))


async def _serve(commands: dict[str, list[str]]) -> None:
    running: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        verb, name = line.split()
        if verb == "start":
            started, stop = asyncio.Event(), asyncio.Event()
            running[name] = asyncio.create_task(_hold(name, commands[name], started, stop)), stop
            await started.wait()
        else:
            await _end(*running.pop(name))
            _say(stopped=name)
    for task, stop in running.values():
        await _end(task, stop)


async def _hold(name: str, command: list[str], started: asyncio.Event, stop: asyncio.Event) -> None:
    """Keep one server running until `stop`."""
    try:
        parameters = StdioServerParameters(command=command[0], args=command[1:])
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            tools = await session.list_tools()
            _say(started=name, tools=[tool.name for tool in tools.tools])
            started.set()
            await stop.wait()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to read it
        _say(failed=name, error=repr(error))
    finally:
        started.set()


async def _end(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    stop.set()
    await task


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
