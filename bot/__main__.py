"""`python -m bot` is the command `balcao`."""

from bot.cli import main

main()
