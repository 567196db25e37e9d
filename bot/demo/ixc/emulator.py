"""IXC Provedor, as far as Balcão uses it: a real HTTP server over rows in memory."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self

from aiohttp import web

from bot.demo.ixc import records
from bot.demo.ixc.faults import Fault, Trouble
from bot.demo.ixc.page import ErpPage
from bot.demo.ixc.query import BadQueryError, Page, list_rows
from bot.demo.ixc.records import Row
from bot.demo.own_page import only_own_page

CREDENTIAL: Final = "7:" + "0a1b2c3d" * 8
"""`id:token`, as IXC's panel shows it."""
_ERROR_PAGE: Final = (
    '<div style="text-align:center">Ocorreu um erro ao processar.'
    " Contate o suporte IXC Soft.</div>"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One received request: table, header `ixcsoft`, and body if it is JSON or a form."""

    method: str
    table: str
    ixcsoft: str | None
    body: Mapping[str, Any]


@dataclass(slots=True)
class _Active:
    fault: Fault
    document: str | None
    table: str | None
    times: int | None

    def hits(self, table: str, body: Mapping[str, Any]) -> bool:
        if self.times == 0 or self.table not in (None, table):
            return False
        # Body and tax id are compared without punctuation, so that any notation matches.
        return self.document is None or self.document in _compact(json.dumps(body))


class IxcEmulator:
    """Answers listings of `cliente`, `fornecedor` and `empresa` once started or entered.

    `tables` may be changed while it runs. `requests` holds the latest requests. `inserted` holds
    the bodies that a real IXC would have stored as records, because the header `ixcsoft: listar`
    was missing.
    """

    def __init__(
        self,
        customers: Iterable[Row] = (),
        suppliers: Iterable[Row] = (),
        *,
        credential: str = CREDENTIAL,
        total_as_text: bool = False,
        zero_dates_match: bool = True,
        has_page: bool = False,
    ) -> None:
        """Create an emulator that is not started.

        has_page: True to serve the ERP's own screen at `/`, on loopback only.
        """
        self.tables: dict[str, list[Row]] = {
            "cliente": list(customers),
            "fornecedor": list(suppliers),
            "empresa": [records.branch()],
        }
        self.total_as_text = total_as_text
        self.zero_dates_match = zero_dates_match
        self.requests: deque[Asked] = deque(maxlen=1000)
        self.inserted: list[Mapping[str, Any]] = []
        self._page = ErpPage(self.tables) if has_page else None
        self._authorization = "Basic " + base64.b64encode(credential.encode()).decode()
        self._faults: list[_Active] = []
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Return the URL without a path; after a stop, the last one."""
        return self._url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start listening; port 0 picks a free port."""
        app = web.Application(middlewares=[only_own_page("/webservice/")])
        for path in ("/webservice/v1/{table}", "/webservice/v1/{table}/"):
            app.router.add_route("*", path, self._answer)
        if self._page is not None:
            self._page.add_routes(app)
        self._stopping.clear()
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        listening = self._runner.addresses[0]
        self._url = f"http://{listening[0]}:{listening[1]}"

    async def stop(self) -> None:
        """Stop listening; delayed answers are dropped."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def fail(
        self,
        fault: Fault,
        *,
        document: str | None = None,
        table: str | None = None,
        times: int | None = None,
    ) -> None:
        """Switch a fault on. If several match a request, the latest applies.

        document: only requests that contain this tax id, in any notation. times: number of
        requests.
        """
        compact = _compact(document) if document else None
        self._faults.append(_Active(fault, compact, table, times))

    def heal(self) -> None:
        """Switch all faults off."""
        self._faults.clear()

    async def _answer(self, request: web.Request) -> web.Response:
        table = request.match_info["table"]
        body = await _body(request)
        known = body if isinstance(body, dict) else {}
        self.requests.append(Asked(request.method, table, request.headers.get("ixcsoft"), known))
        fault = self._fault(table, known)
        if fault is not None and (broken := await self._broken(request, fault)) is not None:
            return broken
        authorization = request.headers.get("Authorization", "")
        if authorization != self._authorization:
            return web.Response(status=401 if authorization[:6] in ("", "Basic ") else 400)
        if request.headers.get("ixcsoft") != "listar":
            return self._insert(request.method, known)
        if table not in self.tables:
            return _say(f"Recurso {table} não está disponível!")
        if body is None:
            return _error_page(500)
        return self._listing(table, known, fault)

    def _fault(self, table: str, body: Mapping[str, Any]) -> Fault | None:
        for active in reversed(self._faults):
            if active.hits(table, body):
                if active.times is not None:
                    active.times -= 1
                return active.fault
        return None

    async def _broken(self, request: web.Request, fault: Fault) -> web.Response | None:
        match fault.trouble:
            case Trouble.DOWN:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            case Trouble.SLOW:
                try:
                    await asyncio.wait_for(self._stopping.wait(), fault.seconds)
                except TimeoutError:
                    return None
                return web.Response(status=503)
            case Trouble.HELD if fault.held is not None:
                await _either(fault.held, self._stopping)
                return web.Response(status=503) if self._stopping.is_set() else None
            case Trouble.HTML:
                return _error_page(fault.status)
            case Trouble.MESSAGE:
                return _say(fault.message)
            case Trouble.STATUS:
                headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
                return web.Response(status=fault.status, headers=headers)
            case Trouble.BROKEN_JSON:
                return _json('{"page":"1","total":1,"registros":[{"id":"1","senha":"segr')
            case _:
                return None

    def _insert(self, method: str, body: Mapping[str, Any]) -> web.Response:
        if method != "POST":
            return web.Response(status=404)
        self.inserted.append(body)
        number = str(len(self.inserted))
        success = {"type": "success", "message": "Registro inserido com sucesso!", "id": number}
        return _json(json.dumps(success))

    def _listing(self, table: str, body: Mapping[str, Any], fault: Fault | None) -> web.Response:
        trouble = fault.trouble if fault else None
        if trouble is Trouble.OTHER_DOCUMENTS:
            body = {**body, "qtype": f"{table}.id", "oper": ">", "query": "0", "grid_param": ""}
        if trouble is Trouble.SAME_PAGE:
            body = {**body, "page": "1"}
        try:
            page = list_rows(
                table, self.tables[table], body, zero_dates_match=self.zero_dates_match
            )
        except BadQueryError:
            return _error_page(500)
        return _json(json.dumps(self._envelope(page), ensure_ascii=False))

    def _envelope(self, page: Page) -> dict[str, Any]:
        total = str(page.total) if self.total_as_text else page.total
        if not page.total:
            return {"page": page.number, "total": total}
        return {"page": page.number, "total": total, "registros": page.rows}


async def _body(request: web.Request) -> Any:
    """Return what the client sent as JSON or as a form; None if it is neither."""
    try:
        if request.content_type != "multipart/form-data":
            # Also what a client calls a form, as curl does by default.
            with suppress(ValueError):
                return json.loads(await request.text())
        form = await request.post()
    except ValueError:
        return None
    return {name: text for name, text in form.items() if isinstance(text, str)} or None


def _json(text: str) -> web.Response:
    return web.Response(
        body=text.encode(),
        headers={
            "Content-Type": "text/x-json; charset=utf-8",
            "Cache-Control": "no-cache, must-revalidate",
            "Set-Cookie": "PHPSESSID=0123456789abcdef; path=/",
        },
    )


def _say(message: str) -> web.Response:
    return _json(json.dumps({"type": "error", "message": f"{message}<br />"}, ensure_ascii=False))


def _error_page(status: int) -> web.Response:
    return web.Response(status=status, text=_ERROR_PAGE, content_type="text/html")


def _compact(text: str) -> str:
    return "".join(c for c in text.upper() if c.isalnum())


async def _either(*events: asyncio.Event) -> None:
    """Return when one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
