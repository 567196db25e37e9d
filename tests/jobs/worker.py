"""A process that works on jobs until it is killed, as `balcao run` does beside the chats.

argv: address of the server, name of the database, folder of the process, address of an IXC.
"""

import asyncio
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from bot.demo.ixc import CREDENTIAL
from bot.runtime.carrier import open_carrier
from bot.runtime.logs import configure_logs
from erp.adapter import Credentials
from erp.registry import open_erp
from storage.connection import connected
from tests.jobs.conftest import Bench


async def _work(uri: str, name: str, folder: Path, erp_url: str) -> None:
    credentials = Credentials(url=erp_url or "nowhere.example", token=SecretStr(CREDENTIAL))
    async with (
        connected(uri, name) as database,
        open_erp("ixc", credentials, timezone=ZoneInfo("America/Sao_Paulo")) as erp,
    ):
        work = Bench(database, folder, erp=erp).work
        async with open_carrier("", work.work) as carrier:
            await work.keep_for_ever(carrier.send)


if __name__ == "__main__":
    configure_logs(level="WARNING", log_format="console")
    asyncio.run(_work(sys.argv[1], sys.argv[2], Path(sys.argv[3]), "".join(sys.argv[4:])))
