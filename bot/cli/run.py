"""The command `balcao run`."""

from bot.cli.terminal.console import err, finish, read_settings
from bot.runtime.logs import configure_logs


def run() -> None:
    """Atende: recebe mensagens até ser parado (Ctrl-C ou SIGTERM)."""
    settings = read_settings()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    # Telegram's library takes seconds to load, and other commands need not wait for it.
    from bot import app

    finish(app.run(settings, warn=lambda line: err.print(f"Aviso: {line}", soft_wrap=True)))
