"""Entry point: `python -m bot` runs the command `balcao`."""

from bot.cli import main

main()
