"""Entry point of ``python -m subsetopt``."""

from subsetopt.cli import main

main()
