"""The command line `mcp-compliance-central`: a module per verb."""

BY = "command line"
"""Who changed something, for the audit log, where it was changed from here."""
