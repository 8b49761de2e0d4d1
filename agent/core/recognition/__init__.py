"""Which processes are stdio MCP servers, who started them, and how sure that is.

Pure: a table of processes, the configured servers and what is known about clients in, recognised servers out. No single
sign suffices but a configured entry under its client; names are hints only. The signs and their weights are one table,
`signs.POINTS`.
"""

from agent.core.recognition.clients import ClientMarks
from agent.core.recognition.outliving import Before
from agent.core.recognition.recognise import RunningServer, recognise
from agent.core.recognition.signs import Confidence, Sign

__all__ = ["Before", "ClientMarks", "Confidence", "RunningServer", "Sign", "recognise"]
