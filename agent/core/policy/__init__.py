"""The policy engine: what Claude Code's managed policy really says of a server, and why. Pure and total."""
