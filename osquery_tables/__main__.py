"""`python -m osquery_tables` is the extension."""

import sys

from osquery_tables.extension import main

sys.exit(main())
