"""`balcao` with a shorter round of looking for newer data.

A tenth of a second: `python -m tests.short_rounds 0.1 run`.
"""

import sys

from bot.cli import main
from bot.wiring import schema
from tests.patience import be_patient

if __name__ == "__main__":
    be_patient()
    schema._ROUND_S = float(sys.argv.pop(1))  # type: ignore[misc]
    main()
