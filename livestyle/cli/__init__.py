"""The command line: a module for the commands of a kind, all of them together in `main`."""
