"""A process that works on jobs until it is killed, as `balcao run` does beside the chats.

argv: address of the server, name of the database, folder of the process.
"""

import asyncio
import sys
from pathlib import Path

from bot.runtime.carrier import open_carrier
from bot.runtime.logs import configure_logs
from storage.connection import connected
from tests.jobs.conftest import Bench


async def _work(uri: str, name: str, folder: Path) -> None:
    async with connected(uri, name) as database:
        work = Bench(database, folder).work
        async with open_carrier("", work.work) as carrier:
            await work.keep_for_ever(carrier.send)


if __name__ == "__main__":
    configure_logs(level="WARNING", log_format="console")
    asyncio.run(_work(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
