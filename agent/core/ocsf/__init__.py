"""OCSF 1.8.0 as far as this agent speaks it: a model per object and per class of event.

Published schema: https://schema.ocsf.io/1.8.0/. The tests hold every kind of event to it. What is our own stands in `unmapped`.
"""
