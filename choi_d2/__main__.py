"""``python -m choi_d2``: the command ``choi``, see :mod:`choi_d2.cli`."""

import sys

from choi_d2.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
