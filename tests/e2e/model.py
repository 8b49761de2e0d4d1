"""A stub of the model APIs on loopback: whatever it is asked, it has the client read a file, then run a command, then it is done.

Run by any Python: `python model.py PORT FILE COMMAND END`. A client that edits code starts its language server for the file; the
session, with the servers that the client started for it, goes on until the file `END` is there. Each request is told on standard
output, a JSON line with its path and the tools. It also answers as a remote MCP server without tools at /mcp, for bridges.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]
_DONE = "Done."
_MCP = "2025-06-18"
_LONGEST_S, _EVERY_S = 180.0, 0.1


@dataclass(frozen=True)
class Api:
    """How one API goes: the end of its path, the names of the offered tools, what marks a tool's result, the answer as events.

    `answer` gets the tool to call, None to end the turn, and the arguments for it.
    """

    path: str
    tools: Callable[[Json], Sequence[str]]
    result: str
    answer: Callable[[str | None, Json], Iterator[Json]]


def _anthropic(tool: str | None, arguments: Json) -> Iterator[Json]:
    block: Json = (
        {"type": "text", "text": ""} if tool is None else {"type": "tool_use", "id": f"toolu_{tool}", "name": tool}
    )
    delta = (
        {"type": "text_delta", "text": _DONE}
        if tool is None
        else {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    )
    usage = {"input_tokens": 1, "output_tokens": 1}
    yield {
        "type": "message_start",
        "message": {
            "id": f"msg_{tool}",
            "type": "message",
            "role": "assistant",
            "model": "stub",
            "content": [],
            "stop_reason": None,
            "usage": usage,
        },
    }
    yield {"type": "content_block_start", "index": 0, "content_block": block | ({} if tool is None else {"input": {}})}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    reason = "end_turn" if tool is None else "tool_use"
    yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}
    yield {"type": "message_stop"}


def _responses(tool: str | None, arguments: Json) -> Iterator[Json]:
    text = {"type": "message", "role": "assistant", "id": "item_1", "content": [{"type": "output_text", "text": _DONE}]}
    call = {"type": "function_call", "id": "item_1", "call_id": f"call_{tool}", "name": tool}
    item = text if tool is None else call | {"arguments": json.dumps(arguments)}
    yield {"type": "response.created", "response": {"id": "resp_1"}}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    usage = {"input_tokens": 1, "input_tokens_details": None, "output_tokens": 1, "total_tokens": 2}
    yield {"type": "response.completed", "response": {"id": "resp_1", "usage": usage | {"output_tokens_details": None}}}


def _gemini(tool: str | None, arguments: Json) -> Iterator[Json]:
    part = {"text": _DONE} if tool is None else {"functionCall": {"name": tool, "args": arguments}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    yield {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 2}}


def _chat(tool: str | None, arguments: Json) -> Iterator[Json]:
    call = {
        "index": 0,
        "id": f"call_{tool}",
        "type": "function",
        "function": {"name": tool, "arguments": json.dumps(arguments)},
    }
    delta = {"role": "assistant", "content": _DONE} if tool is None else {"role": "assistant", "tool_calls": [call]}
    for what, reason in ((delta, None), ({}, "stop" if tool is None else "tool_calls")):
        choice = {"index": 0, "delta": what, "finish_reason": reason}
        yield {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [choice]}


APIS = (
    Api(
        "/v1/messages",
        lambda asked: [tool["name"] for tool in asked.get("tools", ())],
        '"type": "tool_result"',
        _anthropic,
    ),
    Api(
        "/v1/responses",
        lambda asked: [tool["name"] for tool in asked.get("tools", ()) if "name" in tool],
        '"type": "function_call_output"',
        _responses,
    ),
    Api(
        ":streamGenerateContent",
        lambda asked: [row["name"] for tool in asked.get("tools", ()) for row in tool.get("functionDeclarations", ())],
        '"functionResponse": ',
        _gemini,
    ),
    Api(
        "/v1/chat/completions",
        lambda asked: [tool["function"]["name"] for tool in asked.get("tools", ())],
        '"role": "tool"',
        _chat,
    ),
)
READING: Mapping[str, Callable[[str], Json]] = {
    "Read": lambda path: {"file_path": path},
    "read": lambda path: {"filePath": path},
    "read_file": lambda path: {"file_path": path},
}
RUNNING: Mapping[str, Callable[[str], Json]] = {
    "Bash": lambda command: {"command": command, "timeout": 120_000},
    "bash": lambda command: {"command": command, "description": "work"},
    "exec_command": lambda command: {"cmd": command, "yield_time_ms": 30_000},
    "run_shell_command": lambda command: {"command": command},
}
"""What each client calls its tools, and their arguments."""


class Stub(BaseHTTPRequestHandler):
    """One connection. `work` is set before the first: tools with what to do."""

    protocol_version = "HTTP/1.1"
    end = Path()
    work: Sequence[tuple[Mapping[str, Callable[[str], Json]], str]] = ()

    def do_POST(self) -> None:
        """Answer as the API whose path it is."""
        asked: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        path = self.path.partition("?")[0]
        if path == "/mcp":
            self._mcp(asked)
            return
        api = next((api for api in APIS if path.endswith(api.path)), None)
        tools = () if api is None else api.tools(asked)
        sys.stdout.write(json.dumps({"path": self.path, "tools": list(tools)}) + "\n")
        sys.stdout.flush()
        if api is None:
            self._send(404, "application/json", b"{}")
            return
        done = json.dumps(asked).count(api.result)
        tool, arguments = self._turn(tools, done)
        if done and tool is None:
            self._think()
        events = api.answer(tool, arguments)
        lines = [
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
            if "type" in event
            else f"data: {json.dumps(event)}\n\n"
            for event in events
        ]
        self._send(200, "text/event-stream", "".join(lines).encode())

    def _turn(self, tools: Sequence[str], done: int) -> tuple[str | None, Json]:
        """Return the tool whose turn it is, of those that the client has."""
        turns = [(name, forms[name](what)) for forms, what in self.work for name in forms if name in tools]
        return turns[done] if done < len(turns) else (None, {})

    def _think(self) -> None:
        """Wait until the session is to end: a client may leave a command that takes long, and come back for an answer."""
        for _ in range(int(_LONGEST_S / _EVERY_S)):
            if self.end.exists():
                return
            time.sleep(_EVERY_S)

    def do_GET(self) -> None:
        """There is nothing to be had by GET: no list of models, no stream of a server's own messages."""
        self._send(405 if self.path == "/mcp" else 404, "application/json", b"{}")

    do_DELETE = do_HEAD = do_GET  # noqa: N815 - the library's names

    def _mcp(self, asked: Json) -> None:
        if "id" not in asked:
            self._send(202, "application/json", b"")
            return
        about = {"protocolVersion": _MCP, "capabilities": {"tools": {}}, "serverInfo": {"name": "stub", "version": "1"}}
        result = about if asked["method"] == "initialize" else {"tools": []}
        self._send(
            200, "application/json", json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
        )

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Standard error stays quiet."""


def main() -> None:
    """Serve until killed."""
    Stub.work = ((READING, sys.argv[2]), (RUNNING, sys.argv[3]))
    Stub.end = Path(sys.argv[4])
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub) as server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
