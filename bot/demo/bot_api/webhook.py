"""Delivery of updates to the bot's webhook: in order within a chat, retried until accepted."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import aiohttp

from bot.demo.bot_api.errors import ApiError, bad_request
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.updates import Queued, UpdateQueue

logger = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_SECRET_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


class Webhook:
    """The bot's webhook; an empty URL means that none is set."""

    def __init__(
        self,
        updates: UpdateQueue,
        *,
        call: Callable[[str, Params], Any],
        now: Callable[[], int],
        retry_s: float,
        timeout_s: float = 60.0,
    ) -> None:
        self.url = ""
        self._updates = updates
        self._call = call
        self._now = now
        self._retry_s = retry_s
        self._timeout_s = timeout_s
        self._secret = ""
        self._max_connections = 40
        self._last_error: dict[str, Any] = {}
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    def wake(self) -> None:
        self._wake.set()

    async def set(self, params: Params) -> dict[str, Any]:
        """Handle setWebhook; an empty url deletes the webhook."""
        url = params.text("url")
        if not url:
            return await self.delete(params)
        if not url.startswith(("http://", "https://")):
            raise bad_request("invalid webhook URL specified")
        secret = params.text("secret_token")
        if len(secret) > 256:
            raise bad_request("secret token is too long")
        if not _SECRET_CHARACTERS.issuperset(secret):
            raise bad_request("secret token contains unallowed characters")
        await self.stop()
        self._updates.end_poll(ApiError(409, "Conflict: terminated by setWebhook request"))
        self.url, self._secret = url, secret
        self._max_connections = max(1, min(100, params.integer("max_connections", 40)))
        self._last_error = {}
        self._updates.allow(params.json("allowed_updates", "allowed_updates"))
        if params.flag("drop_pending_updates"):
            self._updates.drop_pending()
        self._task = asyncio.create_task(self._deliver_all())
        return {"ok": True, "result": True, "description": "Webhook was set"}

    async def delete(self, params: Params) -> dict[str, Any]:
        had_one = bool(self.url)
        await self.stop()
        self.url = ""
        if params.flag("drop_pending_updates"):
            self._updates.drop_pending()
        said = "Webhook was deleted" if had_one else "Webhook is already deleted"
        return {"ok": True, "result": True, "description": said}

    def info(self) -> dict[str, Any]:
        info: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending),
        }
        if self.url:
            info |= {"max_connections": self._max_connections, "ip_address": "127.0.0.1"}
            info |= self._last_error
        if self._updates.allowed is not None:
            info["allowed_updates"] = sorted(self._updates.allowed)
        return info

    async def stop(self) -> None:
        """Stop delivering; updates not accepted stay pending."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _deliver_all(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        busy: dict[int, asyncio.Task[None]] = {}
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for queued in self._free(busy):
                    busy[queued.chat_id] = group.create_task(self._deliver(session, queued, busy))
                await self._wake.wait()

    def _free(self, busy: dict[int, asyncio.Task[None]]) -> list[Queued]:
        """Return the next update of each chat without a delivery in progress.

        Returns no more than max_connections allows.
        """
        chosen: dict[int, Queued] = {}
        for queued in self._updates.pending:
            if len(chosen) + len(busy) >= self._max_connections:
                break
            if queued.chat_id not in busy:
                chosen.setdefault(queued.chat_id, queued)
        return list(chosen.values())

    async def _deliver(
        self,
        session: aiohttp.ClientSession,
        queued: Queued,
        busy: dict[int, asyncio.Task[None]],
    ) -> None:
        headers = {SECRET_HEADER: self._secret} if self._secret else {}
        while True:
            try:
                async with session.post(self.url, json=queued.update, headers=headers) as reply:
                    body = await reply.read()
                    if 200 <= reply.status < 300:
                        break
                    error = f"Wrong response from the webhook: {reply.status} {reply.reason}"
            except (aiohttp.ClientError, TimeoutError) as failure:
                error = "Read timeout expired" if isinstance(failure, TimeoutError) else ""
                error = error or "Connection refused"
            self._last_error = {"last_error_date": self._now(), "last_error_message": error}
            await asyncio.sleep(self._retry_s)
        self._updates.confirm([queued.update_id])
        self._run_reply(reply.content_type, body)
        del busy[queued.chat_id]
        self._wake.set()

    def _run_reply(self, content_type: str, body: bytes) -> None:
        """Run the method that a webhook's reply may contain; the bot never receives the result."""
        if content_type != "application/json" or not body:
            return
        try:
            values = json.loads(body)
            if isinstance(values, dict) and "method" in values:
                self._call(str(values.pop("method")), Params(values))
        except (ValueError, ApiError) as error:
            logger.warning("method in a webhook reply failed: %s", error)
