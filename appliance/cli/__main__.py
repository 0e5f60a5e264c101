"""``python -m appliance.cli``: the ``mattebox`` command, where that is not installed."""

import sys

from appliance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
