"""Where the frozen program begins."""

from agent.__main__ import entry

entry()
