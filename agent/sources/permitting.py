"""Whether a user could change a file, or put another in its place, by the modes of files and folders."""

from agent.core.place import Facts, User


def may_write(facts: Facts, user: User) -> bool:
    """Say whether the user could change this file, or put another in its place."""
    if facts.kind == "link" or user.uid == 0:
        return False
    if facts.uid == user.uid:
        return True
    if facts.kind == "folder" and facts.mode & 0o1000:
        return False
    return bool(facts.mode & 0o002 or (facts.mode & 0o020 and facts.gid in user.gids))
