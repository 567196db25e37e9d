"""An emulated IXC with many customers, in its own process, that serves pages cheaply.

    python -m benchmarks.ixc_pages ROWS

Prints its address. The rows are those of the demo's emulator. They are rendered once and found by
position, so that the benchmark does not measure the emulator. `POST /touch?count=N` changes N of
them.
"""

import asyncio
import bisect
import json
import sys
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from bot.demo.documents import make_cpf
from bot.demo.ixc.records import Row, customer

# Without a time zone, as in IXC.
_START: Final = datetime(2025, 1, 1)  # noqa: DTZ001
_APART: Final = timedelta(minutes=5)


class Pages:
    def __init__(self, count: int) -> None:
        self.rows = [self._row(n) for n in range(1, count + 1)]
        self.texts = [json.dumps(row, ensure_ascii=False) for row in self.rows]
        self.touched = 0
        self._by_time()

    def _row(self, n: int) -> Row:
        return customer(
            n,
            f"Maria da Silva {n}",
            make_cpf(100_000_000 + n).masked,
            telefone_celular=f"(49) 9{(n * 7919) % 10**8:08}",
            email=f"p{n}@example.com.br",
            ultima_atualizacao=str(_START + n * _APART),
        )

    def _by_time(self) -> None:
        order = sorted(range(len(self.rows)), key=lambda n: self.rows[n]["ultima_atualizacao"])
        self.order, self.times = order, [self.rows[n]["ultima_atualizacao"] for n in order]

    async def listing(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = json.loads(await request.text())
        if request.match_info["table"] != "cliente":
            return web.Response(text='{"page":"1","total":"0"}')
        size, number = int(body["rp"]), int(body["page"])
        if body["qtype"] == "cliente.id":
            begin = int(body["query"]) + (number - 1) * size
            found = range(begin, min(begin + size, len(self.rows)))
        elif body["qtype"] == "cliente.ultima_atualizacao":
            begin = bisect.bisect_left(self.times, body["query"]) + (number - 1) * size
            found = self.order[begin : begin + size]  # type: ignore[assignment]
        else:
            begin, found = len(self.rows), range(0)
        text = ",".join(self.texts[n] for n in found)
        total = max(len(self.rows) - begin, 0)
        return web.Response(text=f'{{"page":"{number}","total":{total},"registros":[{text}]}}')

    async def touch(self, request: web.Request) -> web.Response:
        step = len(self.rows) // int(request.query["count"])
        self.touched += 1
        for n in range(0, len(self.rows), step):
            self.rows[n] |= {
                "email": f"q{self.touched}.{n}@example.com.br",
                "ultima_atualizacao": str(
                    _START + (len(self.rows) + 1000 * self.touched + n % 997) * _APART
                ),
            }
            self.texts[n] = json.dumps(self.rows[n], ensure_ascii=False)
        self._by_time()
        return web.Response()


async def _serve(count: int) -> None:
    pages = Pages(count)
    app = web.Application()
    app.router.add_post("/webservice/v1/{table}", pages.listing)
    app.router.add_post("/touch", pages.touch)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
