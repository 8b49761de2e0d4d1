"""What is known about MCP clients: one row per client as data, and pure readers of their files."""
