"""`python -m livestyle`: the command line."""

from livestyle.cli.main import main

main()
