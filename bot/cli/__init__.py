"""The command `balcao`, one file per command. Commands print pt-BR, and never a traceback."""


def main() -> None:
    """Run the command that the arguments name; the entry point."""
    from bot.cli.commands import cli
    from bot.runtime.memory import share_one_heap

    share_one_heap()
    cli()
