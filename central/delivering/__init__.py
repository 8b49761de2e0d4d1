"""The way to the SOC's destinations: carries the feed of alerts on, with the agent's own sinks and its own delivery.

This room alone may know the agent's sinks, their settings and the loop that feeds them: what a destination accepts, and what is
to be done when it doesn't, is written once.
"""
