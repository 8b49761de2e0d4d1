"""From everything that was seen to everything that is said: rows, deviations, and one sentence on how the device stands.

`assess(world, terms)` is pure. `check` calls it once, the daemon after every look, so the two cannot disagree.
"""

from agent.core.assess.assess import Assessment, assess
from agent.core.assess.terms import Terms

__all__ = ["Assessment", "Terms", "assess"]
