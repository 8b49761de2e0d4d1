"""Runs before the frozen program: requests would say at every start that it misses what is left out on purpose (`EXCLUDES`)."""

import warnings

warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")
