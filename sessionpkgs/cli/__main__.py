"""``python -m sessionpkgs.cli``: the command line of one interpreter, whatever stands first on PATH."""

import sys

from sessionpkgs.cli import main

sys.exit(main())
