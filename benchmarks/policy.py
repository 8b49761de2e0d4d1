"""How long one policy takes: 1,000 servers against 1,000 allow entries and 1,000 deny entries, beside a naive pair-by-pair loop.

Run `python -m benchmarks.policy`. The caches of parsed URLs and patterns are emptied before each cold figure.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from agent.core.place import Place
from agent.core.policy.effective import Policy
from agent.core.policy.evaluate import Judge
from agent.core.policy.expansion import Environment
from agent.core.policy.rules import CommandRule, Entry, NameRule, Rule, RuleScope, UrlRule
from agent.core.policy.urls import compile_pattern, parse_url
from agent.core.server import Server, ServerScope, Transport

SIZE = 1_000
ENVIRONMENT = Environment({"HOME": "/home/ann"}, complete=True)


def rules(side: str, size: int = SIZE) -> tuple[Rule, ...]:
    """Return a list of names, commands and URLs in equal parts; every third URL has a wildcard host."""
    entry = Entry(Place("/etc/claude-code/managed-settings.json", "/x"), RuleScope.MANAGED)
    made: list[Rule] = []
    for at in range(size):
        host = f"*.team{at}.{side}.example" if at % 9 == 0 else f"mcp{at}.{side}.example"
        made.append(
            (
                UrlRule(entry, f"https://{host}/v1/*"),
                CommandRule(entry, ("npx", "-y", f"@{side}/server-{at}@1.0.{at}", "${HOME}/data")),
                NameRule(entry, f"{side}-{at}"),
            )[at % 3]
        )
    return tuple(made)


def servers(size: int = SIZE) -> tuple[Server, ...]:
    """Return servers of which about half meet an entry."""
    base = Server(
        client="claude-code",
        user="ann",
        scope=ServerScope.USER,
        name="",
        place=Place("/home/ann/.claude.json"),
        transport=Transport.STDIO,
    )
    made = []
    for at in range(size):
        side = ("allow", "deny", "other", "allow")[at % 4]
        if at % 3 == 0:
            url = f"https://mcp{at}.{side}.example/v1/sse?x={at}"
            made.append(replace(base, name=f"s{at}", transport=Transport.HTTP, url=url))
        else:
            command = ("npx", "-y", f"@{side}/server-{at}@1.0.{at}", "${HOME}/data")
            made.append(replace(base, name=f"s{at}", command=command))
    return tuple(made)


def naive(policy: Policy) -> Callable[[tuple[Server, ...]], int]:
    """Return a count of blocked servers that asks every rule about every server: a policy of one rule at a time."""
    empty = replace(policy, allow=None, deny=())
    deny = [Judge(replace(empty, deny=(rule,)), ENVIRONMENT) for rule in policy.deny]
    allow = [Judge(replace(empty, allow=(rule,)), ENVIRONMENT) for rule in policy.allow or ()]

    def count(judged: tuple[Server, ...]) -> int:
        blocked = 0
        for server in judged:
            denied = any(judge.verdict(server).blocked for judge in deny)
            blocked += denied or all(judge.verdict(server).blocked for judge in allow)
        return blocked

    return count


def timed(run: Callable[[], object], repeats: int = 5, *, cold: bool) -> float:
    """Return the best of `repeats` runs in milliseconds."""
    best = float("inf")
    for _ in range(repeats):
        if cold:
            for remembered in (compile_pattern, parse_url):
                vars(remembered)["__wrapped__"].cache_clear()
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best * 1000


def main() -> None:
    policy = Policy(state="effective", allow=rules("allow"), deny=rules("deny"))
    judged = servers()
    judge = Judge(policy, ENVIRONMENT)

    def whole() -> int:
        return sum(judge.verdict(server).blocked for server in judged)

    print(f"{SIZE} servers, {SIZE} allow entries, {SIZE} deny entries; best of five, in milliseconds")
    print(f"  compile, cold               {timed(lambda: Judge(policy, ENVIRONMENT), cold=True):8.2f}")
    print(f"  compile, again              {timed(lambda: Judge(policy, ENVIRONMENT), cold=False):8.2f}")
    print(f"  evaluate all, cold          {timed(whole, cold=True):8.2f}")
    print(f"  evaluate all, again         {timed(whole, cold=False):8.2f}")
    few, count = judged[:20], naive(policy)
    print(f"  naive, scaled from 20       {timed(lambda: count(few), 1, cold=False) * SIZE / len(few):8.2f}")


if __name__ == "__main__":
    main()
