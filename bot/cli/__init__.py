"""The command `balcao`, one file per command. Commands print pt-BR, and never a traceback."""

import sys


def main() -> None:
    """Run the command that the arguments name; the entry point."""
    from bot.cli.commands import cli
    from bot.runtime.logs import described
    from bot.runtime.memory import share_one_heap

    share_one_heap()
    try:
        cli()
    except Exception as error:
        # Python's own traceback would show the error's text, which can quote what a person wrote.
        sys.exit("\n".join(described(error)))
