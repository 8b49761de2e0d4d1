"""The baseline: the organisation's signed record of what the managed files must be, and what came of comparing them with it.

`record` says what one file is, `document` how records stand in a baseline, `sshsig` who signed it, `trust` which baselines
count, `compare` what a file is in their eyes. All of it is pure: what is remembered from look to look is a value, `Memory`.
"""
