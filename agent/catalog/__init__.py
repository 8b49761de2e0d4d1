"""What is known about MCP clients: one row each as data, and pure parsers for formats and shapes."""
