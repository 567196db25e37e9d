"""A proxy before an HTTP server, which loses and spoils requests and answers."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import web

from tests.chaos.faults import Faults
from tests.chaos.plan import MARKED, Fault, What, Where

_LINGER_0: Final = struct.pack("ii", 1, 0)
_DROPPED: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "date")
)
_STOPPED: Final = Fault(at_s=0, for_s=0, where=Where.ERP, what=What.RESET)
_FOREVER: Final = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"


class HttpProxy:
    """Passes requests on to `target`. Subclasses say how calls are named and spoilt."""

    def __init__(self, target: str, faults: Faults) -> None:
        self._target = target
        self.faults = faults
        self._open: dict[int, web.Request] = {}
        self.url = ""

    async def __aenter__(self) -> "HttpProxy":
        self._client = aiohttp.ClientSession(timeout=_FOREVER, auto_decompress=False)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()

    def cut_all(self) -> None:
        """Reset every connection on which a call waits for its answer."""
        for request in self._open.values():
            _reset(request)

    def targets(self, request: web.Request) -> frozenset[str]:
        """Return the names that the plan can call this call by."""
        return frozenset(("all",))

    def invented(self, fault: Fault) -> Answer | None:
        """Return an answer of the server itself for this fault, or None if it gives none."""
        return None

    def spoilt(self, fault: Fault, answer: Answer, request: web.Request) -> Answer:
        """Return the server's answer with something in it that nobody knows."""
        return answer

    async def begun(self, request: web.Request) -> None:
        """Called with each call that has arrived."""

    def ended(self, request: web.Request, done: Answer | None, fault: Fault | None) -> None:
        """Called at the end of each call. done: the server's answer, if it had got the call;
        fault: what hit it."""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        await self.begun(request)
        names = self.targets(request)
        done: Answer | None = None
        fault = self.faults.on(names, is_after=False)
        self._open[id(request)] = request
        try:
            if fault is not None and fault.what is What.DELAY:
                await asyncio.sleep(fault.value)
            if fault is None or fault.what is What.DELAY:
                try:
                    done = await self._passed_on(request, body)
                except aiohttp.ClientError:  # it has stopped
                    fault = _STOPPED
                else:
                    fault = self.faults.on(names, is_after=True)
        finally:
            del self._open[id(request)]
            # Before the answer: a caller that has read it may act at once.
            self.ended(request, done, fault)
        return await self._answered(request, done, fault)

    async def _passed_on(self, request: web.Request, body: bytes) -> Answer:
        url = self._target + request.raw_path
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _DROPPED}
        async with self._client.request(
            request.method, url, data=body or None, headers=headers
        ) as answer:
            return Answer(answer.status, await answer.read(), answer.content_type)

    async def _answered(
        self, request: web.Request, done: Answer | None, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is None or (done is not None and fault.what is What.DELAY):
            assert done is not None
            return _response(done)
        match fault.what:
            case What.DOWN | What.RESET:
                _reset(request)
                return web.Response()
            case What.CLOSE:
                if request.transport is not None:
                    request.transport.close()
                return web.Response()
            case What.HALF:
                whole = done or Answer(502, page(502))
                return await _half(request, whole)
            case What.HTML:
                return _response(Answer(fault.value, page(fault.value), "text/html"))
            case What.NO_JSON:
                return _response(_NO_JSON[(fault.value - 1) % len(_NO_JSON)])
            case What.FIELD | What.VARIANT:
                assert done is not None
                return _response(self.spoilt(fault, done, request))
        invented = self.invented(fault) or Answer(fault.value, page(fault.value), "text/html")
        return _response(invented)


def page(status: int) -> bytes:
    """Return a page as nginx sends it, with a person's data in it, as some proxies repeat it."""
    return (
        f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status} "
        f"{MARKED}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


_NO_JSON: Final = (
    Answer(200, b""),
    Answer(200, b"null"),
    Answer(200, b'["' + MARKED.encode() + b'"]'),
    Answer(200, b'"' + MARKED.encode() + b'"'),
    Answer(200, b'{"result": {"' + MARKED.encode() + b'": 1}}'),
    Answer(200, b'{"ok": true, "result": {"' + MARKED.encode() + b'": 1}}'),
)


def _response(answer: Answer) -> web.Response:
    return web.Response(
        body=answer.body, status=answer.status, content_type=answer.content_type or None
    )


async def _half(request: web.Request, answer: Answer) -> web.StreamResponse:
    headers: Mapping[str, str] = {
        "Content-Length": str(len(answer.body)),
        "Content-Type": answer.content_type,
    }
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(request: web.Request) -> None:
    """End the connection with a reset: what is on its way is lost too."""
    if request.transport is None:
        return
    connection: socket.socket | None = request.transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # it is closed already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    request.transport.abort()
