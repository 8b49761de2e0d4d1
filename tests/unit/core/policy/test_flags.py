import pytest

from agent.core.policy.flags import NO_FLAGS, Flags, read_flags


def nothing(_: str) -> None:
    return None


def test_no_arguments_are_no_flags() -> None:
    assert read_flags(["-p", "hello"], nothing) == NO_FLAGS


def test_the_mcp_config_takes_several_values_as_text_or_file() -> None:
    files = {"a.json": '{"mcpServers": {}}'}
    flags = read_flags(
        ["--mcp-config", "{}", "a.json", "b.json", "--strict-mcp-config", "--mcp-config=c.json"], files.get
    )
    assert flags == Flags(mcp_config=("{}", '{"mcpServers": {}}', None, None), strict=True)


def test_settings_and_their_sources_are_read() -> None:
    flags = read_flags(["--settings", '{"a": 1}', "--setting-sources", "user, project", "--bare"], nothing)
    assert (flags.settings, flags.bare) == ('{"a": 1}', True)
    assert flags.setting_sources == frozenset({"user", "project"})


def test_what_brings_servers_in_from_the_side_is_named() -> None:
    flags = read_flags(["--plugin-dir", "/p", "--agents", "{}", "--agent", "x", "--safe-mode", "--restricted"], nothing)
    assert (flags.sideloads, flags.agents, flags.agent) == (("--plugin-dir", "--agents"), "{}", "x")
    assert (flags.safe, flags.restricted) == (True, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--settings"], "needs a value"),
        (["--mcp-config", "--verbose"], "needs a value"),
        (["--settings", "/nonexistent.json"], "cannot be read"),
        (["--settings", "// c\n{}"], "cannot be read"),
        (["--setting-sources", "user,managed"], "'managed'"),
        (["--setting-sources", "user,"], "''"),
    ],
)
def test_options_that_are_no_good_are_told(arguments: list[str], says: str) -> None:
    assert says in str(read_flags(arguments, nothing).unusable)


def test_an_empty_value_counts_as_not_given() -> None:
    flags = read_flags(["--settings", "", "--mcp-config", "", "--setting-sources", ""], nothing)
    assert (flags.settings, flags.mcp_config, flags.setting_sources, flags.unusable) == (None, (), frozenset(), None)


def test_the_texts_never_show_in_a_repr() -> None:
    assert "hunter2" not in repr(read_flags(["--mcp-config", '{"x": "hunter2"}'], nothing))
