"""``python -m vmgen.archive`` is ``vmgen archive``: it makes the archive that is shipped."""

import sys

from vmgen.cli import run

if __name__ == "__main__":
    sys.exit(run(["archive", *sys.argv[1:]]))
