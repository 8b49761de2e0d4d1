"""Settings: read once, validated, and handed down as plain values.

Order, later wins key by key: defaults; `agent.toml`; `agent.d/*.toml` in code-unit order; environment variables
`MCP_COMPLIANCE_<SECTION>__<KEY>`, and `MCP_COMPLIANCE_STATE_FOLDER`, whose text is a TOML value or else a plain string (for tests
and containers). `files` reads them, `settings` says what may stand in them.
"""
