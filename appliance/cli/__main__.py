"""``python -m appliance.cli``: the command, for where it is not installed under its name."""

import sys

from appliance.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
