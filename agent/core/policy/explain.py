"""Why one server is allowed or blocked: the decision as a short list of steps, each with its rule, entry and file.

The steps follow the order in which the client decides and end at the one that settled it. Near misses and what would change the
verdict come beside them. Nothing of the server or of an entry is shown but through the caller's `redact`, which takes a command
(or a list of one URL) and returns as many words.
"""

from dataclasses import dataclass
from typing import Literal

from agent.core.policy.effective import Policy
from agent.core.policy.evaluate import Judge
from agent.core.policy.expansion import Environment
from agent.core.policy.near import NearMiss, Redact, near_misses, shown_entry
from agent.core.policy.provided import CLAUDE_CODE
from agent.core.policy.remedy import Remedy, to_allow, to_block
from agent.core.policy.rules import CommandRule, NameRule, Rule, UrlRule
from agent.core.policy.session import Judged
from agent.core.server import Server, Transport
from agent.core.verdict import Answer, Verdict

Result = Literal["goes on", "allows", "blocks", "open"]
_RESULTS: dict[Answer, Result] = {
    Answer.ALLOWED: "allows",
    Answer.BLOCKED: "blocks",
    Answer.UNDETERMINED: "open",
}
_EARLY = frozenset({"in-process", "not-judged", "exclusive", "plugin-only", "policy-refused", "policy-indeterminate"})
_DENIED = frozenset({"denied", "deny-depends-on-environment"})
_BRIDGE = frozenset({"bridge-denied", "bridge-not-allowed", "bridge-depends-on-environment"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the rule that was applied, what came of it, and the entry (redacted) with its file where one decided."""

    rule: str
    text: str
    result: Result = "goes on"
    entry: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole explanation. `allow` and `block` say what would change the verdict; `loads` is known in a session only."""

    server: Server
    verdict: Verdict
    steps: tuple[Step, ...]
    near: tuple[NearMiss, ...] = ()
    allow: Remedy | None = None
    block: Remedy | None = None
    loads: bool | None = None


def explain(
    policy: Policy, server: Server, environment: Environment, *, redact: Redact, judged: Judged | None = None
) -> Explanation:
    """Explain the verdict of `policy` on `server`; `judged` is what a session made of it, if one was looked at."""
    judge = Judge(policy, environment)
    verdict = judge.verdict(server)
    steps = [*_before(policy), *_decision(policy, server, verdict, redact)]
    if judged is not None and judged.loads_code not in ("blocked", verdict.reason.code):
        result: Result = "open" if judged.loads is None else ("allows" if judged.loads else "blocks")
        steps.append(Step("What a session loads", judged.loads_reason, result))
    return Explanation(
        server,
        verdict,
        tuple(steps),
        near_misses(judge, server, redact),
        to_allow(judge, server, verdict, redact),
        to_block(judge, server, verdict, redact),
        judged.loads if judged is not None else None,
    )


def _before(policy: Policy) -> list[Step]:
    """Say which files and whose rules are asked."""
    used = [source for source in policy.sources if source.selected]
    files = ", ".join(source.path for source in used) or "no file"
    left = "".join(
        f" {source.path} is not in force ({source.state})." for source in policy.sources if not source.selected
    )
    said = (
        f"The policy is {policy.state}, from {files}."
        if used or policy.state != "none"
        else "There is no managed policy."
    )
    steps = [Step("Which policy applies", said + left)]
    if policy.version_note:
        steps.append(Step("Whose rules apply", policy.version_note))
    return steps


def _decision(policy: Policy, server: Server, verdict: Verdict, redact: Redact) -> list[Step]:
    """Walk through the decision up to the step that settled it."""
    code = verdict.reason.code
    if code in _EARLY:
        return [_settled("What comes before the lists", policy, verdict, redact)]
    steps = [Step("What is compared", _compared(server))]
    if code in _DENIED:
        return [*steps, _settled("The denied servers", policy, verdict, redact)]
    number = len(policy.deny)
    denies = f"None of {number} deny entries matches." if number > 1 else "The one deny entry does not match."
    steps.append(Step("The denied servers", denies if number else "There is no deny entry."))
    title = "The organisation's own servers" if code in ("provided", "not-provided") else "The allowed servers"
    if policy.allow is not None and title == "The allowed servers":
        steps.append(Step("How the allowlist counts", _counting(policy, server)))
    if code not in _BRIDGE:
        return [*steps, _settled(title, policy, verdict, redact)]
    steps.append(Step(title, "The command passes."))
    return [*steps, _settled("The URL behind the bridge", policy, verdict, redact)]


def _settled(title: str, policy: Policy, verdict: Verdict, redact: Redact) -> Step:
    """Return the step that settled it, its entry redacted, and its text without the entry in clear."""
    reason = verdict.reason
    rule = _rule_of(policy, verdict)
    shown = None if rule is None else shown_entry(rule, redact)
    text = reason.text
    if rule is not None and shown is not None:
        text = text.replace(rule.text, shown)
    return Step(title, text, _RESULTS[verdict.answer], shown, reason.source)


def _rule_of(policy: Policy, verdict: Verdict) -> Rule | None:
    """Return the entry that decided."""
    wanted = verdict.reason.entry
    rules = (*policy.deny, *(policy.allow or ()))
    return next((r for r in rules if r.text == wanted and str(r.entry.place) == verdict.reason.source), None)


def _compared(server: Server) -> str:
    if server.transport is Transport.STDIO:
        return "It is a local server: its command with all arguments, exactly and in order, is compared, and its name."
    if server.url is not None:
        return f"It is a remote server ({server.transport}): its URL is compared, and its name."
    return "It names neither command nor URL: only its name can be compared."


def _counting(policy: Policy, server: Server) -> str:
    rules = policy.allow or ()
    kinds = {kind: sum(isinstance(rule, kind) for rule in rules) for kind in (CommandRule, UrlRule, NameRule)}
    kind, name = (CommandRule, "serverCommand") if server.command is not None else (UrlRule, "serverUrl")
    count = kinds[kind]
    by = (
        f"{count} {name} entries decide, names do not"
        if count
        else f"no {name} entry, so {kinds[NameRule]} names decide"
    )
    lock = "Only managed entries count." if policy.locked else "Users' own entries count too."
    whose = (
        ""
        if server.client == CLAUDE_CODE
        else f" {server.client} does not enforce it: this is the organisation's view."
    )
    return f"The allowlist holds {len(rules)} entries; for this server {by}. {lock}{whose}"
