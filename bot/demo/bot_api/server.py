"""The Bot API over HTTP: /bot<token>/<method> and /file/bot<token>/<path>."""

import asyncio
import json
import logging
import time
from typing import Any

from aiohttp import web

from bot.demo.bot_api.errors import WEBHOOK_IS_ACTIVE, ApiError
from bot.demo.bot_api.faults import Fault, Raw
from bot.demo.bot_api.methods import METHODS
from bot.demo.bot_api.params import Params, read_params
from bot.demo.bot_api.webhook import Webhook
from bot.demo.bot_api.world import Call, World

logger = logging.getLogger(__name__)


class BotApiServer:
    """Answers the bot's calls; `methods` holds their effects on the world."""

    def __init__(self, world: World, *, token: str, webhook_second_s: float) -> None:
        self._world = world
        self._token = token
        self.webhook = Webhook(
            world.updates,
            call=self.call,
            now=world.now,
            changed=world.changes.wake,
            second_s=webhook_second_s,
        )
        world.updates.on_add = self.webhook.wake
        self._stopping = asyncio.Event()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)

    def start(self) -> None:
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """End all waiting work: long polls, hanging calls, the webhook."""
        self._stopping.set()
        self._world.updates.end_poll()
        await self.webhook.stop()

    def call(self, method: str, params: Params) -> Any:
        """Run a method that answers at once; raises ApiError."""
        handler = METHODS.get(method.lower())
        if handler is None:
            logger.warning("the emulator does not know the method %s", method)
            raise ApiError(404, "Not Found: method not found")
        return handler(self._world, params)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        method = name.lower()
        answer: dict[str, Any] | ApiError
        params = Params({})
        try:
            self._check_token(request)
            params = await read_params(request)
            if self._world.record_calls:
                self._world.calls.append(Call(name, params.values, time.time()))
                self._world.changes.wake()
            fault = self._world.faults.take(method, params.text("chat_id"))
            if fault is not None and not fault.after:
                await self._fail(request, fault)
            if fault and fault.raw and fault.raw.is_before(after=fault.after):
                return await _raw(request, fault.raw, {})
            answer = await self._answer(method, name, params)
            if fault and fault.raw:
                return await _raw(request, fault.raw, answer)
            if fault is not None and fault.after:
                await self._fail(request, fault)
        except ApiError as error:
            answer = error
            if error.code == 429:
                self._world.limits.refused[name, params.text("chat_id")] += 1
        except Exception:
            logger.exception("the emulator failed in %s", name)
            answer = ApiError(500, "Internal Server Error")
        finally:
            self._world.changes.wake()
        return _response(answer)

    async def _answer(self, method: str, name: str, params: Params) -> dict[str, Any]:
        match method:
            case "getupdates":
                result: Any = await self._get_updates(params)
            case "setwebhook":
                return await self.webhook.set(params)
            case "deletewebhook":
                return await self.webhook.delete(params)
            case "getwebhookinfo":
                result = self.webhook.info()
            case _:
                result = self.call(name, params)
        return {"ok": True, "result": result}

    async def _get_updates(self, params: Params) -> list[dict[str, Any]]:
        if self.webhook.url:
            raise ApiError(409, WEBHOOK_IS_ACTIVE)
        updates = self._world.updates
        updates.allow(params.json("allowed_updates", "allowed_updates"))
        return await updates.poll(
            offset=params.integer("offset"),
            limit=max(1, min(100, params.integer("limit", 100))),
            timeout_s=0 if self._stopping.is_set() else params.integer("timeout"),
        )

    async def _fail(self, request: web.Request, fault: Fault) -> None:
        """Wait for the delay, then hang until the emulator stops, or raise the planned error."""
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.held is not None:
            await fault.held.wait()
        if fault.hang:
            await self._stopping.wait()
            if request.transport is not None:
                request.transport.abort()
        if fault.error is not None:
            raise fault.error

    async def _download(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request)
        except ApiError as error:
            return _response(error)
        file = self._world.files.by_path(request.match_info["path"])
        if file is None:
            return _response(ApiError(404, "Not Found"))
        return web.Response(body=file.content, content_type="application/octet-stream")

    def _check_token(self, request: web.Request) -> None:
        token = request.match_info["token"]
        if token != self._token:
            known_form = token.partition(":")[0].isdigit() and ":" in token
            raise ApiError(401, "Unauthorized") if known_form else ApiError(404, "Not Found")


async def _raw(request: web.Request, raw: Raw, answer: dict[str, Any]) -> web.StreamResponse:
    """Answer as the planned failure says."""
    if raw.change is not None:
        changed = raw.change(answer["result"])
        answer = answer if changed is None else {**answer, "result": changed}
    body = _encode(answer) if raw.body is None else raw.body
    kind = "application/json" if raw.body is None else raw.content_type
    if raw.sent_bytes is None:
        return web.Response(status=raw.status, body=body, content_type=kind)
    response = web.StreamResponse(status=raw.status, headers={"Content-Type": kind})
    response.content_length = len(body)
    if raw.sent_bytes:
        await response.prepare(request)
        await response.write(body[: raw.sent_bytes])
    if request.transport is not None:
        request.transport.abort()
    return response


def _response(answer: dict[str, Any] | ApiError) -> web.Response:
    if not isinstance(answer, ApiError):
        return web.Response(body=_encode(answer), content_type="application/json")
    body: dict[str, Any] = {
        "ok": False,
        "error_code": answer.code,
        "description": answer.description,
    }
    if answer.parameters:
        body["parameters"] = answer.parameters
    return web.Response(body=_encode(body), status=answer.code, content_type="application/json")


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
