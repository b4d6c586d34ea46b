"""`python -m benchbox`: the same as the command `benchbox`."""

from benchbox.cli.app import main

main()
