"""`balcao` with Telegram's limits for a shorter minute, and with all its own time-outs.

Six seconds: `python -m tests.chaos.bot 6 run`.
"""

import sys

from bot import app
from bot.cli import main
from tests.short_minutes import in_minutes_of

if __name__ == "__main__":
    app.run.__kwdefaults__["limits"] = in_minutes_of(float(sys.argv.pop(1)))
    main()
