"""Who wrote a file: the process, as far as the system told, in words for people."""

from dataclasses import dataclass

from agent.core.accounts import Accounts


@dataclass(frozen=True, slots=True)
class Writer:
    """A process at the moment when it changed something. Only its pid is certain: one that ends at once tells nothing more.

    `uid` is whose rights it had, `login` who logged in to its session (audit's login uid, which `sudo` leaves as it was),
    `parent` the program that started it. Command lines are not kept: they hold secrets.
    """

    pid: int
    program: str | None = None
    uid: int | None = None
    login: int | None = None
    parent: str | None = None

    def told(self, accounts: Accounts) -> str:
        """Return a sentence."""
        if self.program is None:
            return f"The process that wrote it, pid {self.pid}, had ended before it could be asked what it was."
        words = f"It was written by {self.program} (pid {self.pid})"
        if self.uid is not None:
            words += f" as {accounts.user(self.uid)}"
        if self.parent is not None:
            words += f", started by {self.parent}"
        if self.login is not None and self.login != self.uid:
            words += f", in a session of {accounts.user(self.login)}"
        return words + "."
