"""Why the program cannot go on: imports nothing, because every verb needs it at once."""


class CannotStart(Exception):  # noqa: N818 - says what happened, in the words of the caller
    """The question cannot be answered, or the daemon cannot run; the message says why and what would help, in one line."""
