"""Where the frozen osquery extension starts."""

import sys

from osquery_tables.extension import main

sys.exit(main())
