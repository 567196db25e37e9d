"""The command `balcao worker`."""

from bot.cli.terminal.console import finish, read_settings
from bot.runtime.logs import configure_logs


def worker() -> None:
    """Trabalha só nas tarefas, ao lado do bot e de outros; precisa de BALCAO_BROKER_URL."""
    settings = read_settings()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    from bot.wiring.worker import run

    finish(run(settings))
