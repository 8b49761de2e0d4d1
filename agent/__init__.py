"""mcp-compliance-agent: does the organisation's MCP policy really bind on this machine?

The data flow can be read from the folders: `sources` look at the machine through `host`, guided by `catalog`; `core`
judges what they saw; `runtime` carries it to `store` and from there to `sinks` and `status`. ARCHITECTURE.md has the map.
"""

__version__ = "0.1.0"
