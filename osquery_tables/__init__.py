"""osquery tables over the status document: a program of its own, and the files that osquery and Fleet are given.

`extension` is the program, `rows` what it answers with, `files` writes the generated files of `shipped/`. The tables
themselves are defined once, in `agent.core.tables`.
"""
