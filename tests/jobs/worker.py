"""A process that begins another with every line on its stdin, and answers with its number.

Each works on jobs until it is killed, as `balcao run` does beside the chats. They are forks of one
that has loaded everything, as a test that kills twenty would wait for little else than imports.

argv: address of the server, name of the database, folder of the process, address of an IXC.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from bot.demo.ixc import CREDENTIAL
from bot.runtime.jobs.broker import open_broker
from bot.runtime.logs import configure_logs
from erp.adapter import Credentials
from erp.registry import open_erp
from storage.engine.connection import connected
from tests.jobs.conftest import Bench


async def _work(uri: str, name: str, folder: Path, erp_url: str) -> None:
    credentials = Credentials(url=erp_url or "nowhere.example", token=SecretStr(CREDENTIAL))
    async with (
        connected(uri, name) as database,
        open_erp("ixc", credentials, timezone=ZoneInfo("America/Sao_Paulo")) as erp,
    ):
        work = Bench(database, folder, erp=erp).work
        async with open_broker("", work.work) as carrier:
            await work.run_forever(carrier.send)


def _begin_with_every_line() -> None:
    # Who is killed is gone at once, and stays no zombie whose number seems to be in use.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            asyncio.run(_work(sys.argv[1], sys.argv[2], Path(sys.argv[3]), "".join(sys.argv[4:])))
            os._exit(1)
        print(pid, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    configure_logs(level="WARNING", log_format="console")
    _begin_with_every_line()
