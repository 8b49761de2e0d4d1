"""One server against one policy → a verdict that names the rule. Total: any policy and any server give one.

The order is Claude Code's (observed with 2.1.330):

1. An in-process `sdk` server passes both lists.
2. managed-mcp.json shuts out every server that the organisation did not provide; so does `strictPluginOnlyCustomization`, but
   for plugins' and --mcp-config servers.
3. Any matching deny entry blocks, by name, command or URL. A project's settings cannot keep the organisation's servers out: its
   deny entries do not bind them, and its allow entries can admit them only.
4. The organisation's servers need no allow entry, unless an entry of managed-mcp.json refers to a variable.
5. No allow list anywhere: the server passes. Otherwise it must match an entry of its kind; a name counts only while the list
   holds no entry of that kind.

For clients that enforce nothing, 1 and `strictPluginOnlyCustomization` say nothing. Exclusive control then means what the
organisation meant: such a server is allowed if it reaches the same endpoint as one that the organisation provides, or matches an
allow entry. A bridge (`mcp-remote URL`) must pass as the command that it is and as the URL that it leads to. Without a managed
policy there is nothing to judge by, and the verdict says so.
"""

from agent.core.policy.bridges import reached_url
from agent.core.policy.effective import Policy
from agent.core.policy.expansion import Environment, Text, Unknown, has_reference
from agent.core.policy.matching import Endpoint, Match, RuleIndex, endpoint_of
from agent.core.policy.provided import CLAUDE_CODE, SERVERS
from agent.core.policy.urls import Address
from agent.core.server import Server, ServerScope, Transport
from agent.core.verdict import Answer, Reason, Verdict

_OWN = frozenset({ServerScope.USER, ServerScope.PROJECT, ServerScope.LOCAL, ServerScope.AGENT})
_MILDEST = (Answer.ALLOWED, Answer.UNDETERMINED, Answer.BLOCKED)
_NAMES_THE_URL = frozenset({"allowed-by-command", "provided"})


def evaluate(policy: Policy, server: Server, environment: Environment) -> Verdict:
    """Return what `policy` says of `server`. For many servers make one `Judge`."""
    return Judge(policy, environment).verdict(server)


class Judge:
    """A policy compiled against one environment, ready for any number of servers."""

    __slots__ = (
        "_allow",
        "_allow_outside",
        "_deny",
        "_deny_provided",
        "_provided",
        "_server_side",
        "allow_side",
        "deny_side",
        "policy",
    )

    def __init__(self, policy: Policy, environment: Environment) -> None:
        """Compile `policy` for a client that runs with `environment`.

        `allow_side` and `deny_side` are what references in entries are looked up in, None where they are plain text.
        """
        self.policy = policy
        startup = environment if policy.rules.pins_environment else environment.over(policy.user_env)
        pinned = startup.over(policy.managed_env)
        self.allow_side = allow_side = pinned if policy.rules.expands else None
        self.deny_side = deny_side = pinned.under(policy.user_env) if policy.rules.expands else None
        self._server_side = environment.over(policy.user_env).over(policy.managed_env)
        self._allow = None if policy.allow is None else RuleIndex(policy.allow, allow_side, lenient=False)
        outside = [rule for rule in policy.allow or () if not rule.entry.scope.repository]
        alike = not policy.rules.project_deny_spares_managed or len(outside) == len(policy.allow or ())
        self._allow_outside = self._allow if alike else RuleIndex(outside, allow_side, lenient=False)
        self._deny = RuleIndex(policy.deny, deny_side, lenient=True)
        binding = [rule for rule in policy.deny if not rule.entry.scope.repository]
        spares = policy.rules.project_deny_spares_managed and len(binding) < len(policy.deny)
        self._deny_provided = RuleIndex(binding, deny_side, lenient=True) if spares else self._deny
        self._provided: dict[tuple[Text, ...] | Address | Text, Server] = {}
        for server in policy.managed_servers:
            self._provided.setdefault(_identity(self.endpoint(server)), server)

    def endpoint(self, server: Server) -> Endpoint:
        """Return what rules are compared with, expanded as the client does it for servers."""
        return endpoint_of(server.name, server.command, server.url, self._server_side)

    def verdict(self, server: Server) -> Verdict:
        """Return what the policy says of `server`."""
        policy, enforced = self.policy, server.client == CLAUDE_CODE
        if policy.state in ("refused", "indeterminate"):
            return _undetermined(f"policy-{policy.state}", _unsettled(policy))
        settled = self._beside_the_lists(server) if enforced else None
        if settled is not None:
            return settled
        found = [
            self._by_lists(server, endpoint, enforced=enforced) for endpoint in self._forms(server, enforced=enforced)
        ]
        return max(found, key=lambda verdict: _MILDEST.index(verdict.answer))

    def _forms(self, server: Server, *, enforced: bool) -> tuple[Endpoint, ...]:
        """Return what the lists are asked about: a server, and what becomes of it if its references are replaced once more.

        Observed with Claude Code 2.1.330: a server that it has expanded already is expanded and asked about again, once, before
        it is started. With `A=${B}` and `B=x`, `${A}` must pass as `${B}` and as `x`. Entries are expanded once.
        """
        first = self.endpoint(server)
        if not enforced:
            return (first,)
        again = first.expanded(self._server_side)
        return (first,) if again == first else (first, again)

    def _by_lists(self, server: Server, endpoint: Endpoint, *, enforced: bool) -> Verdict:
        provided = server.scope is ServerScope.MANAGED
        denied = (self._deny_provided if provided and enforced else self._deny).any(endpoint)
        if denied.answer is True:
            return _by_rule(Answer.BLOCKED, "denied", "A deny entry matches", denied)
        passes = self._passes(server, endpoint, enforced=enforced)
        if isinstance(denied.answer, Unknown) and passes.answer is not Answer.BLOCKED:
            return _hangs_on("deny-depends-on-environment", "Whether a deny entry matches", denied)
        beyond = None if enforced or passes.blocked else self._beyond_a_bridge(server, endpoint, passes)
        return beyond or passes

    def lists_block(self, server: Server) -> bool:
        """Say whether the lists alone, without what shuts servers out beside them, certainly keep a user's `server` out."""
        if server.transport is Transport.SDK:
            return False
        return any(
            self._deny.any(endpoint).answer is True or self._passes(server, endpoint, enforced=True).blocked
            for endpoint in self._forms(server, enforced=True)
        )

    def _beside_the_lists(self, server: Server) -> Verdict | None:
        """Say what passes or is shut out before the lists are asked, None where they are."""
        policy = self.policy
        if server.transport is Transport.SDK:
            return _allowed(
                "in-process", "An in-process server of the program that starts Claude Code passes both lists."
            )
        agent, dynamic = server.scope is ServerScope.AGENT, server.scope is ServerScope.DYNAMIC
        if (agent and not policy.rules.judges_agents) or (dynamic and not policy.rules.judges_dynamic):
            text = f"Claude Code {policy.client_version} does not ask the policy about servers of the {server.scope} scope."
            return _allowed("not-judged", text)
        if policy.exclusive is not None and server.scope is not ServerScope.MANAGED:
            text = f"{policy.exclusive.path} has exclusive control: only its servers, and those of {SERVERS}, load."
            return Verdict(Answer.BLOCKED, Reason("exclusive", text, source=str(policy.exclusive)))
        if policy.plugin_only is not None and server.scope in _OWN:
            text = (
                f"strictPluginOnlyCustomization in {policy.plugin_only.path} shuts out servers of users and projects."
            )
            return Verdict(Answer.BLOCKED, Reason("plugin-only", text, source=str(policy.plugin_only)))
        return None

    def _beyond_a_bridge(self, server: Server, endpoint: Endpoint, passes: Verdict) -> Verdict | None:
        """Judge the URL that a bridge leads to, None where that changes nothing.

        An allow entry for the exact command names the URL too, so it needs no second one; a deny entry for the URL binds always.
        """
        url = reached_url(endpoint.command or (), server.command or (), self._server_side)
        if url is None:
            return None
        behind = Endpoint("", url=url)
        denied = self._deny.url(behind)
        if denied.answer is True:
            return _by_rule(
                Answer.BLOCKED, "bridge-denied", "The command is a bridge to a URL that a deny entry matches", denied
            )
        allowed = Match(answer=True)
        if self._allow is not None and self._allow.has_urls and passes.reason.code not in _NAMES_THE_URL:
            allowed = self._allow.url(behind)
        if allowed.answer is False:
            text = "The command is a bridge to a URL that no serverUrl entry of the allow list matches."
            return Verdict(Answer.BLOCKED, Reason("bridge-not-allowed", text))
        for match in (denied, allowed):
            if isinstance(match.answer, Unknown):
                what = "Whether an entry matches the URL behind the bridge"
                return _hangs_on("bridge-depends-on-environment", what, match)
        return None

    def _passes(self, server: Server, endpoint: Endpoint, *, enforced: bool) -> Verdict:
        """Apply the allow list and what needs none."""
        if enforced and server.scope is ServerScope.MANAGED:
            return self._provided_passes(server, endpoint)
        same_as = None if enforced else self._provided.get(_identity(endpoint))
        if same_as is not None:
            text = f"The organisation provides a server with the same command or URL in {same_as.place.path}."
            return _allowed("provided", text, str(same_as.place))
        if self._allow is not None:
            return self._listed(server, endpoint, self._allow)
        return self._unlisted(enforced=enforced)

    def _provided_passes(self, server: Server, endpoint: Endpoint) -> Verdict:
        """Apply the allow list to a server that the organisation provides: a project's entries can only admit it."""
        place, spares = server.place, self.policy.rules.project_deny_spares_managed
        if _exempt(server, self.policy):
            return _allowed("provided", f"The organisation provides this server in {place.path}.", str(place))
        if self._allow is None:
            return self._unlisted(enforced=True)
        if spares and not self.policy.allow_outside:
            text = "Only a project's own settings hold an allow list, which cannot keep the organisation's servers out."
            return _allowed("provided", text, str(place))
        found = [self._listed(server, endpoint, self._allow)]
        if spares and self._allow_outside is not self._allow and self._allow_outside is not None:
            found.append(self._listed(server, endpoint, self._allow_outside))
        return next((verdict for answer in _MILDEST for verdict in found if verdict.answer is answer), found[0])

    def _unlisted(self, *, enforced: bool) -> Verdict:
        """Say what holds where no allow list is set."""
        policy = self.policy
        if policy.state == "none":
            return _undetermined("no-policy", "No managed policy says anything about MCP servers on this device.")
        if policy.exclusive is not None and not enforced:
            text = (
                f"{policy.exclusive.path} names the only servers that the organisation wants, and this is none of them."
            )
            return Verdict(Answer.BLOCKED, Reason("not-provided", text, source=str(policy.exclusive)))
        if policy.lock is not None:
            text = f"allowManagedMcpServersOnly is set in {policy.lock.path} without a managed allow list: everything passes."
            return _allowed("lock-without-list", text, str(policy.lock))
        return _allowed("no-allow-list", "No allow list is set, and no deny entry matches: everything else passes.")

    def _listed(self, server: Server, endpoint: Endpoint, allow: RuleIndex) -> Verdict:
        """Apply the allow list: entries of the server's kind, names where it holds none of that kind."""
        local = server.transport is Transport.STDIO or (endpoint.url is None and endpoint.command is not None)
        if (endpoint.command if local else endpoint.url) is None:
            text = "The entry names neither a command nor a URL that the allow list could be asked about."
            return _undetermined("no-endpoint", text)
        kind = "serverCommand" if local else "serverUrl"
        if not (allow.has_commands if local else allow.has_urls):
            match = allow.name(endpoint.name)
            if match.answer is True:
                return _by_rule(Answer.ALLOWED, "allowed-by-name", "An allow entry matches the name alone", match)
            text = (
                f"No allow entry matches: the list holds no {kind} entry, and the name {endpoint.name!r} is not in it."
            )
            return Verdict(Answer.BLOCKED, Reason("not-allowed", text))
        match = allow.command(endpoint.command or ()) if local else allow.url(endpoint)
        if match.answer is True:
            code = "allowed-by-command" if local else "allowed-by-url"
            return _by_rule(Answer.ALLOWED, code, "An allow entry matches", match)
        if isinstance(match.answer, Unknown):
            return _hangs_on("allow-depends-on-environment", "Whether an allow entry matches", match)
        what = "command and arguments, each exactly" if local else "URL"
        text = f"No {kind} entry of the allow list matches this {what}."
        return Verdict(Answer.BLOCKED, Reason("not-allowed", text))


def _exempt(server: Server, policy: Policy) -> bool:
    """Say whether a server that the organisation provides needs no allow entry."""
    if not policy.rules.exempts_managed:
        return False
    if server.place.pointer.startswith("/" + SERVERS):
        return True
    values = [*(server.command or ()), *([server.url] if server.url is not None else []), *server.headers.values()]
    return not any(has_reference(value) for value in values)


def _identity(endpoint: Endpoint) -> tuple[Text, ...] | Address | Text:
    """Return what two servers share that are the same server by another name."""
    return endpoint.command or endpoint.address or endpoint.url or ()


def _by_rule(answer: Answer, code: str, says: str, match: Match) -> Verdict:
    rule = match.rule
    if rule is None:  # pragma: no cover - a certain match has a rule
        return Verdict(answer, Reason(code, says + "."))
    entry = rule.text
    text = f"{says}: {entry} in {rule.entry.place.path}."
    return Verdict(answer, Reason(code, text, entry=entry, source=str(rule.entry.place)))


def _hangs_on(code: str, what: str, match: Match) -> Verdict:
    variables = sorted(match.answer.variables) if isinstance(match.answer, Unknown) else []
    names = ", ".join(variables)
    text = f"{what} depends on {names} in the client's environment, which is not known."
    rule = match.rule
    entry, source = (rule.text, str(rule.entry.place)) if rule is not None else (None, None)
    return Verdict(Answer.UNDETERMINED, Reason(code, text, entry=entry, source=source))


def _allowed(code: str, text: str, source: str | None = None) -> Verdict:
    return Verdict(Answer.ALLOWED, Reason(code, text, source=source))


def _undetermined(code: str, text: str) -> Verdict:
    return Verdict(Answer.UNDETERMINED, Reason(code, text))


def _unsettled(policy: Policy) -> str:
    if policy.state == "refused":
        return f"Claude Code refuses to start under this policy: {policy.refusal}"
    return f"The policy in force could not be found out: {policy.refusal}"
