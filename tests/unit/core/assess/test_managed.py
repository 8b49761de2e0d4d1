import hashlib
import json

from agent.core.acl import Guard
from agent.core.assess.managed import Ground, ManagedJudgement, judge_managed
from agent.core.baseline.compare import FIRST_SIGHT_S
from agent.core.baseline.record import Record, record_of
from agent.core.baseline.trust import Memory
from agent.core.deviation import Severity
from agent.core.observation import BaselineFile, Document, DocumentKind, ManagedLook
from agent.core.place import Content, Data, Facts, Missing, User
from agent.core.writer import Writer
from tests.sim.baselines import DAY_S, ISSUED, Signer, baseline, unsigned

IT = Signer()
ETC = "/etc/claude-code"
SETTINGS, MCP, DROPIN = f"{ETC}/managed-settings.json", f"{ETC}/managed-mcp.json", f"{ETC}/managed-settings.d/9.json"
POLICY = {"allowedMcpServers": [{"serverName": "ok"}], "allowManagedMcpServersOnly": True}
NOW = ISSUED + DAY_S
ANN = User("ann", "/home/ann", 1000, frozenset({1000}))


def read(path: str, value: object, *, mode: int = 0o644, uid: int = 0) -> Content:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    folders = tuple(Facts(folder, "folder", 0o755) for folder in ("/", "/etc", ETC))
    return Data(raw, (*folders, Facts(path, "file", mode, uid, size=len(raw))))


def settings(value: object = POLICY, *, mode: int = 0o644, uid: int = 0) -> Document:
    return Document(DocumentKind.MANAGED_SETTINGS, SETTINGS, read(SETTINGS, value, mode=mode, uid=uid))


def mcp(value: object) -> Document:
    return Document(DocumentKind.MANAGED_MCP, MCP, read(MCP, value))


def dropin(value: object) -> Document:
    return Document(DocumentKind.MANAGED_DROPIN, DROPIN, read(DROPIN, value))


def recorded(document: Document) -> Record:
    record = record_of(document, posix=True)
    assert record is not None
    return record


def judged(
    *documents: Document,
    baselines: tuple[BaselineFile, ...] = (),
    memory: Memory | None = None,
    now: float | None = NOW,
    passed: tuple[Document, ...] = (),
) -> ManagedJudgement:
    keys = (IT.line,) if any(isinstance(file.signature, Data) for file in baselines) else ()
    look = ManagedLook(ETC, documents, baselines=baselines, passed=passed)
    return judge_managed(look, [ANN], Ground("linux", keys, memory or Memory(), now))


def states(found: ManagedJudgement) -> dict[str, str]:
    return {row.path: row.state for row in found.rows}


def failing(found: ManagedJudgement) -> dict[str, str]:
    return {item.key.control: item.text for item in found.deviations}


def test_a_file_that_is_what_the_signed_baseline_says_is_intact() -> None:
    found = judged(settings(), baselines=(IT.signs(baseline(1, recorded(settings()))),))
    assert states(found) == {SETTINGS: "intact"}
    assert found.deviations == ()


def test_a_changed_missing_or_unexpected_file_is_told_with_who_wrote_it_if_the_system_told() -> None:
    vim = Writer(8, "/usr/bin/vim", 0, 1000, "/usr/bin/sudo")
    files = (IT.signs(baseline(1, recorded(settings()), recorded(mcp({"mcpServers": {}})))),)
    for changed in (
        (settings({}), mcp({"mcpServers": {}})),
        (settings(),),
        (settings(), mcp({"mcpServers": {}}), dropin({})),
    ):
        look = ManagedLook(ETC, changed, baselines=files, writers=dict.fromkeys((SETTINGS, MCP, DROPIN), vim))
        (text,) = failing(judge_managed(look, [ANN], Ground("linux", (IT.line,), Memory(), NOW))).values()
        assert (
            "It was written by /usr/bin/vim (pid 8) as uid 0, started by /usr/bin/sudo, in a session of uid 1000."
            in text
        )
    unknown = ManagedLook(ETC, (settings({}), mcp({"mcpServers": {}})), baselines=files)
    (text,) = failing(judge_managed(unknown, [ANN], Ground("linux", (IT.line,), Memory(), NOW))).values()
    assert "Which process wrote it is not known" in text


def test_a_file_that_was_only_reformatted_is_intact_and_says_so() -> None:
    spaced = settings(json.dumps(dict(reversed(POLICY.items())), indent=4).encode())
    found = judged(spaced, baselines=(IT.signs(baseline(1, recorded(settings()))),))
    assert states(found) == {SETTINGS: "intact"}
    assert "what it means is the same" in found.rows[0].problems[0]


def test_a_changed_file_tells_what_came_what_went_the_lock_and_who_owns_it() -> None:
    changed = settings({"allowedMcpServers": [{"serverName": "evil"}], "hooks": {}}, uid=1000)
    found = judged(changed, baselines=(IT.signs(baseline(1, recorded(settings()))),))
    assert states(found) == {SETTINGS: "modified"}
    text = failing(found)["managed-file.modified"]
    for said in (
        'allow entry {"serverName":"evil"} came',
        'allow entry {"serverName":"ok"} went',
        "allowManagedMcpServersOnly was true and is not set",
        "setting hooks came",
        "It belongs to uid 1000 now.",
    ):
        assert said in text
    assert "managed-file.exposed" in failing(found)


def test_on_windows_nobody_is_called_by_a_number_and_no_mode_is_made_up() -> None:
    path = "C:\\Program Files\\ClaudeCode\\managed-settings.json"
    file = Data(b"{}", (Facts(path, "file", 0o755),))
    first = Record(path, DocumentKind.MANAGED_SETTINGS.value, "0" * 64, "1" * 64)
    memory = Memory(first_sight={path: first}, since=NOW - 2 * DAY_S)
    for guards, owner, words in (
        ({path: Guard(owner="Administrators")}, "Administrators", "It belongs to Administrators now."),
        (
            {path: Guard(others=("everyone, as there is no access control list",))},
            None,
            "Who owns it now is not known.",
        ),
    ):
        look = ManagedLook("C:\\", (Document(DocumentKind.MANAGED_SETTINGS, path, file),), guards=guards)
        found = judge_managed(look, [], Ground("windows", memory=memory, now=NOW))
        assert [(row.owner, row.mode, row.state) for row in found.rows] == [(owner, None, "modified")]
        assert words in failing(found)["managed-file.modified"]
        assert not any(wrong in repr(found.deviations) for wrong in ("uid 0", "mode 0", "None sha", "belongs to None"))


def test_a_flag_that_locks_a_file_is_remarked_and_is_no_fault() -> None:
    guards = {SETTINGS: Guard(flags=("uchg", "hidden")), ETC: Guard(flags=("schg",))}
    (row,) = judge_managed(ManagedLook(ETC, (settings(),), guards=guards), [ANN], Ground()).rows
    assert row.state == "unverified"
    assert [text.partition(":")[0] for text in row.problems if "has the flag" in text] == [
        f"The folder {ETC} has the flag schg",
        f"The file {SETTINGS} has the flag uchg",
    ]


def test_a_secret_in_a_changed_file_is_not_told() -> None:
    changed = settings({**POLICY, "env": {"TOKEN": "s3cr3t-s3cr3t-s3cr3t"}})
    found = judged(changed, baselines=(IT.signs(baseline(1, recorded(settings()))),))
    assert "setting env came" in failing(found)["managed-file.modified"]
    assert "s3cr3t" not in repr(found)


def test_another_mode_or_owner_than_the_baseline_says_is_a_change() -> None:
    found = judged(settings(mode=0o664), baselines=(IT.signs(baseline(1, recorded(settings()))),))
    assert "its mode is 0664 and not 0644" in failing(found)["managed-file.modified"].lower()


def test_a_file_that_the_baseline_wants_and_that_is_not_there_is_missing() -> None:
    signed = IT.signs(baseline(1, recorded(settings()), recorded(dropin({}))))
    found = judged(Document(DocumentKind.MANAGED_SETTINGS, SETTINGS, Missing()), baselines=(signed,))
    assert states(found) == {SETTINGS: "missing", DROPIN: "missing"}


def test_a_dangling_link_in_place_of_the_file_is_missing_and_says_why() -> None:
    signed = IT.signs(baseline(1, recorded(settings())))
    found = judged(Document(DocumentKind.MANAGED_SETTINGS, SETTINGS, Missing(link=True)), baselines=(signed,))
    assert "leads nowhere" in failing(found)["managed-file.missing"]


def test_drop_in_resets_the_lock_is_unexpected_where_the_baseline_does_not_know_it() -> None:
    signed = IT.signs(baseline(1, recorded(settings())))
    found = judged(settings(), dropin({"allowManagedMcpServersOnly": False}), baselines=(signed,))
    assert states(found) == {SETTINGS: "intact", DROPIN: "unexpected"}


def test_during_a_roll_out_a_file_may_be_as_either_baseline_says() -> None:
    old, new = recorded(settings()), recorded(settings({}))
    both = (IT.signs(baseline(1, old)), IT.signs(baseline(2, new, holds_from=1)))
    assert states(judged(settings(), baselines=both)) == {SETTINGS: "intact"}
    assert states(judged(settings({}), baselines=both)) == {SETTINGS: "intact"}
    assert states(judged(settings({"a": 1}), baselines=both)) == {SETTINGS: "modified"}


def test_during_a_roll_out_a_file_that_only_one_baseline_knows_may_be_there_or_not() -> None:
    both = (IT.signs(baseline(1)), IT.signs(baseline(2, recorded(settings()), holds_from=1)))
    assert states(judged(settings(), baselines=both)) == {SETTINGS: "intact"}
    assert judged(baselines=both).rows == ()


def test_a_refused_baseline_and_the_lack_of_a_valid_one_are_reported() -> None:
    found = judged(settings(), baselines=(Signer(2).signs(baseline(1, recorded(settings()))),))
    assert set(failing(found)) == {"baseline.refused", "baseline.missing"}
    assert states(found) == {SETTINGS: "unverified"}


def test_an_unsigned_baseline_without_a_key_finds_changes_and_vouches_for_nothing() -> None:
    record = unsigned(baseline(1, recorded(settings())))
    assert states(judged(settings(), baselines=(record,))) == {SETTINGS: "unverified"}
    assert states(judged(settings({}), baselines=(record,))) == {SETTINGS: "modified"}


def test_without_a_baseline_the_first_sight_is_recorded_and_later_change_is_unverified_change() -> None:
    first = judged(settings())
    assert states(first) == {SETTINGS: "unverified"}
    assert set(first.memory.first_sight) == {SETTINGS}
    changed = judged(settings({}), memory=first.memory)
    assert states(changed) == {SETTINGS: "modified"}
    assert "unverified change" in failing(changed)["managed-file.modified"]
    again = judged(settings({}), memory=changed.memory)
    assert states(again) == {SETTINGS: "modified"}


def test_without_a_baseline_a_file_that_is_gone_is_missing() -> None:
    first = judged(settings(), dropin({}))
    found = judged(settings(), memory=first.memory)
    assert states(found) == {SETTINGS: "unverified", DROPIN: "missing"}


def test_a_roll_out_may_take_a_while_and_what_comes_later_is_unexpected() -> None:
    first = judged(settings())
    soon = judged(settings(), mcp({"mcpServers": {}}), memory=first.memory, now=NOW + FIRST_SIGHT_S)
    assert states(soon) == {SETTINGS: "unverified", MCP: "unverified"}
    late = judged(settings(), dropin({}), memory=first.memory, now=NOW + FIRST_SIGHT_S + 1)
    assert states(late)[DROPIN] == "unexpected"
    assert late.memory == first.memory


def test_when_a_baseline_expires_what_it_approved_is_what_was_first_seen() -> None:
    signed = IT.signs(baseline(1, recorded(settings()), expires=NOW + DAY_S))
    memory = judged(settings(), baselines=(signed,)).memory
    found = judged(settings({}), baselines=(signed,), memory=memory, now=NOW + 2 * DAY_S)
    assert states(found) == {SETTINGS: "modified"}
    assert "unverified change" in failing(found)["managed-file.modified"]


def test_a_change_that_was_undone_between_two_looks_is_reported() -> None:
    signed = IT.signs(baseline(1, recorded(settings())))
    found = judged(settings(), baselines=(signed,), passed=(settings({}), settings()))
    (only,) = found.deviations
    assert only.key.control == "managed-file.modified"
    assert only.severity is Severity.CRITICAL
    assert "changed and changed back" in only.text
    assert states(found) == {SETTINGS: "intact"}


def test_a_look_at_one_moment_remembers_nothing_without_a_clock() -> None:
    assert judged(settings(), now=None).memory == Memory()


def test_a_look_keeps_what_an_unread_look_saw_and_it_does_not() -> None:
    before = ManagedLook(ETC, (settings({}), dropin({"allowManagedMcpServersOnly": False})))
    after = ManagedLook(ETC, (settings(),)).after(before)
    assert [document.path for document in after.passed] == [SETTINGS, DROPIN]
    assert after.after(before).passed == after.passed


def test_the_evidence_shows_the_digest_of_what_was_judged() -> None:
    document = settings(mode=0o666)
    (found,) = [item for item in judged(document).deviations if item.key.control == "managed-file.exposed"]
    assert isinstance(document.content, Data)
    digest = hashlib.sha256(document.content.raw).hexdigest()
    assert found.evidence[0].text == f"{SETTINGS} owner uid 0 mode 0666, sha256:{digest}"


def test_each_sentence_of_a_managed_file_and_of_a_baseline_leaves_its_path_to_the_label() -> None:
    refused = judged(settings(), baselines=(Signer(2).signs(baseline(1, recorded(settings()))),))
    open_to_all = judged(settings(mode=0o666))
    found = [*refused.deviations, *open_to_all.deviations]
    assert {"baseline.refused", "managed-file.exposed"} <= {item.key.control for item in found}
    for item in found:
        assert f"{item.label}: {item.text}".count(f"{item.label}: ") == 1
        assert item.text.endswith(".")
    [about] = [item for item in found if item.key.control == "baseline.refused"]
    assert [fact.path for fact in about.evidence] == [about.label]


def test_root_is_called_by_its_name() -> None:
    found = judged(settings({}), baselines=(IT.signs(baseline(1, recorded(settings()))),))
    assert "It belongs to root now." in failing(found)["managed-file.modified"]
