"""What holds of recognition on any process table."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.correspondence import corresponds
from agent.core.launchers import launch
from agent.core.observation import Process
from agent.core.place import Place
from agent.core.recognition import ClientMarks, Confidence, recognise
from agent.core.recognition.outliving import with_outliving
from agent.core.recognition.recalling import recalled, traces
from agent.core.server import Server, ServerScope, Transport

CLIENTS = (
    ClientMarks("agent", frozenset({"claude"}), (".bin/gemini",), frozenset({"CLAUDECODE"})),
    ClientMarks("editor", frozenset({"code"}), editor=True),
)
WORDS = st.one_of(
    st.sampled_from(
        [
            *("npx", "-y", "sh", "-c", "bash", "env", "A=b", "uvx", "uv", "tool", "run", "node", "python3", "-m", "--"),
            *(
                "npm exec pkg-mcp a",
                "",
                "mcp-server-x",
                "cmd",
                "/c",
                "claude",
                "mcp",
                "serve",
                "code",
                "docker",
                "deno",
            ),
            *(
                "npx -y mcp-x && ls",
                "/a/_npx/5b2dd62b9d0bddd4/node_modules/.bin/x",
                "npm:@s/p@1",
                "'",
                "timeout",
                "exec",
            ),
        ]
    ),
    st.text(max_size=8),
)
COMMANDS = st.lists(WORDS, max_size=7).map(tuple)
WIRES = st.none() | st.dictionaries(st.integers(0, 8), st.sampled_from(["pipe:1", "pipe:2", "socket:3", "socket:4"]))
PROCESSES = st.lists(
    st.builds(
        Process,
        pid=st.integers(1, 12),
        create_time=st.floats(0, 100),
        ppid=st.none() | st.integers(0, 12),
        name=st.sampled_from(["", "node", "claude", "npm exec x"]),
        exe=st.none() | st.sampled_from(["/usr/bin/node", "/opt/claude", "/usr/share/code/code", ""]),
        command=st.none() | COMMANDS,
        wires=WIRES,
        marks=st.none() | st.sampled_from([frozenset(), frozenset({"CLAUDECODE"})]),
    ),
    max_size=14,
)
SERVERS = st.lists(
    st.builds(
        Server,
        client=st.sampled_from(["agent", "other"]),
        user=st.none(),
        scope=st.just(ServerScope.USER),
        name=st.text(max_size=5),
        place=st.just(Place("/x")),
        transport=st.just(Transport.STDIO),
        command=st.none() | COMMANDS,
    ),
    max_size=5,
)


@given(PROCESSES, SERVERS, st.none() | st.floats(0, 200))
@settings(max_examples=300)
def test_any_table_is_recognised_without_an_error_and_no_process_belongs_to_two_servers(
    processes: list[Process], servers: list[Server], now: float | None
) -> None:
    found = recognise(processes, servers, CLIENTS, now=now)
    members = [member.identity for server in found for member in server.members]
    assert len(members) == len(set(members))
    assert set(members) <= {process.identity for process in processes}
    assert all(server.process == server.members[0] and server.evidence for server in found)


@given(PROCESSES, SERVERS)
@settings(max_examples=100)
def test_the_order_of_the_table_does_not_matter(processes: list[Process], servers: list[Server]) -> None:
    unique = list({process.pid: process for process in processes}.values())

    def roots(table: list[Process]) -> set[tuple[int, frozenset[int]]]:
        acyclic = [p for p in table if p.ppid is None or p.ppid < p.pid]
        return {(s.process.pid, frozenset(s.pids)) for s in recognise(acyclic, servers, CLIENTS)}

    assert roots(unique) == roots(unique[::-1])


@given(COMMANDS)
def test_any_command_line_has_a_launch_or_none(command: tuple[str, ...]) -> None:
    found = launch(command)
    assert (found is None) == (command == ())


@given(COMMANDS, COMMANDS)
def test_correspondence_answers_for_any_two_command_lines(
    configured: tuple[str, ...], observed: tuple[str, ...]
) -> None:
    corresponds(configured, observed)
    assert corresponds(configured, configured) is not None


@given(PROCESSES)
@settings(max_examples=200)
def test_what_was_recognised_stays_so_while_it_runs_whoever_else_ends(table: list[Process]) -> None:
    """Also where the agent was started anew in between; and no process belongs to two servers."""
    table = list({process.pid: process for process in table}.values())
    sure = [server for server in recognise(table, (), CLIENTS) if server.confidence is not Confidence.LOW]
    theirs = {member.identity for server in sure for member in server.members}
    left = [process for process in table if process.identity in theirs]
    for before in (sure, recalled(traces(sure), left, ())):
        on = with_outliving(recognise(left, (), CLIENTS), before, left, frozenset(), 100.0)
        members = [member.identity for server in on for member in server.members]
        assert len(members) == len(set(members))
        assert all(any(member.identity in members for member in server.members) for server in sure)
        gone = with_outliving((), on, (), frozenset(), 100.0)
        assert gone == ()
