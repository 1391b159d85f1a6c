"""``python -m vmgen`` is the ``vmgen`` command."""

from vmgen.cli import main

if __name__ == "__main__":
    main()
