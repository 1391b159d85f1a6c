"""``python -m vmgen.core TREE...`` prints ``functions.toml`` again: trees by release."""

import sys
from pathlib import Path

from vmgen.core import variants

if __name__ == "__main__":
    trees = [
        (Path(each, "VERSION").read_text().strip(), Path(each)) for each in sys.argv[1:]
    ]
    sys.stdout.write(variants(trees))
