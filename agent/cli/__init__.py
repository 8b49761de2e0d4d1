"""The command line: one module per verb, each returning an exit status."""
