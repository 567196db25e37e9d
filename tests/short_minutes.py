"""`balcao run` with Telegram's limits for a shorter minute.

Six seconds: `python -m tests.short_minutes 6`.
"""

import asyncio
import sys

from bot import app
from bot.runtime.logs import configure_logs
from bot.runtime.sending.limits import TELEGRAM_LIMITS, Limits
from bot.runtime.sending.overall import Rate
from bot.settings import Settings
from tests.patience import be_patient


def in_minutes_of(minute_s: float) -> Limits:
    """Return Telegram's limits for a minute of `minute_s` seconds."""

    def scaled(rate: Rate | None) -> Rate | None:
        return rate and Rate(rate.count, rate.window_s * minute_s / 60)

    limits = TELEGRAM_LIMITS
    return Limits(
        group=scaled(limits.group), chat=scaled(limits.chat), overall=scaled(limits.overall)
    )


if __name__ == "__main__":
    be_patient()
    settings = Settings.read()
    configure_logs(level=settings.log_level, log_format=settings.log_format)
    asyncio.run(app.run(settings, limits=in_minutes_of(float(sys.argv[1]))))
