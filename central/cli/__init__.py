"""The command line `mcp-compliance-central`: a module per verb."""
