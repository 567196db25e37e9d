"""The command `balcao`, a file per command. What they print is pt-BR, and never a traceback."""


def main() -> None:
    """Entry point of the command."""
    from bot.cli.commands import cli
    from bot.runtime.memory import share_one_heap

    share_one_heap()
    cli()
