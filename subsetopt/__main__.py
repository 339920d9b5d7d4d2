"""``python -m subsetopt`` is the command line."""

from subsetopt.cli import main

main()
