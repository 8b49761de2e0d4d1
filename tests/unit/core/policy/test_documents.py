import pytest

from agent.core.observation import DocumentKind
from agent.core.place import Content, Facts, Missing, Trouble, Unreadable
from agent.core.policy.documents import (
    MAX_BYTES,
    Absent,
    ManagedMcp,
    Refuses,
    Settings,
    Skipped,
    Unjudged,
    read_managed_mcp,
    read_settings,
)
from tests.sim.policies import ANN, ETC, ROOT, data, document

BASE, DROPIN, MCP, USER = (
    DocumentKind.MANAGED_SETTINGS,
    DocumentKind.MANAGED_DROPIN,
    DocumentKind.MANAGED_MCP,
    DocumentKind.USER_SETTINGS,
)
SERVERS = {"mcpServers": {"m": {"command": "npx"}}}


def unreadable(trouble: Trouble, *access: Facts) -> Unreadable:
    return Unreadable(trouble, "it cannot be read", access)


@pytest.mark.parametrize("raw", [b"", b" \n\t", "\ufeff".encode(), b"{}"])
def test_an_empty_settings_file_is_an_empty_object(raw: bytes) -> None:
    assert read_settings(document(BASE, raw), ANN) == Settings({})


@pytest.mark.parametrize("raw", ['\ufeff{"a": "é"}'.encode(), ("\ufeff" + '{"a": "é"}').encode("utf-16-le")])
def test_a_byte_order_mark_and_utf_16_are_read(raw: bytes) -> None:
    assert read_settings(document(BASE, raw), ANN) == Settings({"a": "é"})


@pytest.mark.parametrize(
    "raw", [b"{bad", b"[]", b"null", b"1", b'"x"', b"true", b"/* c */{}", b'{"a": 1,}', b"{}\x00", b"{'a': 1}", b"NaN"]
)
@pytest.mark.parametrize("kind", [BASE, DROPIN])
def test_managed_settings_that_are_no_object_keep_the_client_from_starting(kind: DocumentKind, raw: bytes) -> None:
    assert isinstance(read_settings(document(kind, raw), ANN), Refuses)
    assert isinstance(read_settings(document(kind, raw), ANN, refuses=False), Skipped)


def test_a_users_settings_that_are_no_object_are_ignored() -> None:
    assert isinstance(read_settings(document(USER, b"{bad"), ANN), Skipped)


@pytest.mark.parametrize("trouble", [Trouble.NOT_REGULAR, Trouble.LINK_LOOP, Trouble.NOT_A_FOLDER, Trouble.TOO_LARGE])
def test_managed_settings_that_are_there_and_no_file_keep_the_client_from_starting(trouble: Trouble) -> None:
    assert isinstance(read_settings(document(BASE, unreadable(trouble)), ANN), Refuses)
    assert isinstance(read_settings(document(USER, unreadable(trouble)), ANN), Skipped)


def test_managed_settings_of_more_than_two_mebibytes_keep_the_client_from_starting() -> None:
    assert isinstance(read_settings(document(BASE, b"{}" + b" " * (MAX_BYTES - 2)), ANN), Settings)
    assert isinstance(read_settings(document(BASE, b"{}" + b" " * (MAX_BYTES - 1)), ANN), Refuses)


def test_a_folder_named_like_a_dropin_is_no_dropin_and_a_link_to_one_is() -> None:
    path = f"{ETC}/managed-settings.d/50.json"
    folder = unreadable(Trouble.NOT_REGULAR, Facts(path, "folder"))
    link = unreadable(Trouble.NOT_REGULAR, Facts(path, "link"), Facts("/x", "folder"))
    assert read_settings(document(DROPIN, folder), ANN) == Absent()
    assert isinstance(read_settings(document(DROPIN, link), ANN), Refuses)


@pytest.mark.parametrize("content", [Missing(), Missing(link=True)])
@pytest.mark.parametrize("kind", [BASE, USER])
def test_nothing_and_a_dangling_link_are_no_file(kind: DocumentKind, content: Content) -> None:
    assert read_settings(document(kind, content), ANN) == Absent()


@pytest.mark.parametrize("content", [data({}, mode=0o600), data({}, folder=0o700), unreadable(Trouble.DENIED)])
def test_settings_that_the_user_may_not_read_are_skipped(content: Content) -> None:
    reading = read_settings(document(BASE, content), ANN)
    assert isinstance(reading, Skipped)
    assert reading.code == "unreadable"


def test_what_the_user_may_read_decides_and_not_what_we_may() -> None:
    private = document(BASE, data({}, mode=0o600))
    assert isinstance(read_settings(private, ROOT), Settings)
    assert isinstance(read_settings(private, None), Settings)


@pytest.mark.parametrize("trouble", [Trouble.TIMED_OUT, Trouble.IO_ERROR, Trouble.LINK_ESCAPES])
def test_where_we_could_not_look_nothing_is_known(trouble: Trouble) -> None:
    assert isinstance(read_settings(document(BASE, unreadable(trouble)), ANN), Unjudged)
    assert isinstance(read_managed_mcp(document(MCP, unreadable(trouble)), ANN), Unjudged)


def mcp(content: object) -> ManagedMcp:
    found = read_managed_mcp(document(MCP, content), ANN)
    assert isinstance(found, ManagedMcp)
    return found


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" \n",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"{bad",
        b'{"mcpServers": null}',
        b'{"mcpServers": []}',
        b'{ // c\n"mcpServers": {}}',
        ("\ufeff" + '{"mcpServers": {}}').encode("utf-16-le"),
        b'{"mcpServers": {}}' + b" " * MAX_BYTES,
    ],
)
def test_managed_mcp_that_cannot_be_used_is_exclusive_all_the_same(raw: bytes) -> None:
    found = mcp(raw)
    assert (found.exclusive, found.usable) == (True, False)
    assert found.why


@pytest.mark.parametrize(
    "raw", ['\ufeff{"mcpServers": {}}'.encode(), b'{"mcpServers": {"\xff": {"command": "npx"}}}', b'{"mcpServers": {}}']
)
def test_managed_mcp_that_can_be_used_delivers_its_servers(raw: bytes) -> None:
    assert mcp(raw).usable


@pytest.mark.parametrize("content", [unreadable(Trouble.NOT_REGULAR), data(SERVERS, mode=0o600)])
def test_managed_mcp_that_is_there_and_unreadable_is_exclusive(content: Content) -> None:
    assert (mcp(content).exclusive, mcp(content).usable) == (True, False)


@pytest.mark.parametrize(
    "content",
    [
        Missing(),
        Missing(link=True),
        data(SERVERS, folder=0o700),
        unreadable(Trouble.DENIED, Facts("/", "folder"), Facts(ETC, "folder", 0o700)),
    ],
)
def test_managed_mcp_that_the_client_cannot_see_is_not_there(content: Content) -> None:
    assert not mcp(content).exclusive
