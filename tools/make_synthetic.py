#!/usr/bin/env python
"""Write the synthetic data set: `python tools/make_synthetic.py --help`."""

import sys

from choi_d2.data.synthetic.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
