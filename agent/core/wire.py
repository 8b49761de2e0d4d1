"""What both ends of the protocol know without the models of events, which take their time to build."""

CLASSES = (2003, 2004, 5001, 5019, 5020, 6002, 6008)
"""Every class of event that the agent sends (`agent.core.ocsf.events`)."""

ENDPOINT = "https"
"""What the organisation's own endpoint is called among the destinations."""
