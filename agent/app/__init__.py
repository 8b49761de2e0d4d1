"""Composition root: the one place that names every concrete class.

`looking` puts a look together, `daemon` the resident agent, `diagnosis` the self-checks.
"""
