"""Delivery of updates to the bot's webhook: in order within a chat, repeated until accepted."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.demo.bot_api.errors import ApiError, bad_request, too_many_requests
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.updates import Queued, UpdateQueue

logger = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name
_SECRET_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_PORTS: Final = (443, 80, 88, 8443)
_HERE: Final = ("127.0.0.1", "localhost", "::1")
_LONGEST_WAIT: Final = 60
_LONGEST_ASKED_WAIT: Final = 3600
# What only asks, or would change where the answers come from.
_NOT_IN_A_REPLY: Final = ("get", "setwebhook", "deletewebhook", "close", "logout")


@dataclass(frozen=True, slots=True)
class _Setting:
    """What setWebhook has set; an empty URL means that there is no webhook."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40


@dataclass(slots=True)
class _Trouble:
    """The failed attempts at the first update of a queue."""

    until: float
    delay: int = 1
    """In Telegram's seconds."""


class Webhook:
    """The bot's webhook. Each chat's messages are a queue, and each person's pressed buttons."""

    def __init__(
        self,
        updates: UpdateQueue,
        *,
        call: Callable[[str, Params], Any],
        now: Callable[[], int],
        changed: Callable[[], None],
        second_s: float,
        timeout_s: float = 60.0,
    ) -> None:
        """second_s: how long a second of Telegram's lasts, between attempts."""
        self._updates = updates
        self._call = call
        self._now = now
        self._changed = changed
        self._second_s = second_s
        self._timeout_s = timeout_s
        self._set = _Setting()
        self._may_set_at = 0.0
        self._last_error: dict[str, Any] = {}
        self._troubles: dict[object, _Trouble] = {}
        self._busy: set[object] = set()
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    @property
    def url(self) -> str:
        return self._set.url

    def wake(self) -> None:
        self._wake.set()

    async def set(self, params: Params) -> dict[str, Any]:
        """Handle setWebhook; an empty url deletes the webhook."""
        url, secret = params.text("url"), params.text("secret_token")
        if not url:
            return await self.delete(params)
        self._refuse_often()
        wanted = _Setting(url, secret, max(1, min(100, params.integer("max_connections", 40))))
        allowed = params.json("allowed_updates", "allowed_updates")
        if wanted == self._set and not params.flag("drop_pending_updates"):
            self._updates.allow(allowed)
            return _done("Webhook is already set")
        # The one before is closed first, so one that is refused leaves none.
        self._updates.end_poll(ApiError(409, "Conflict: terminated by setWebhook request"))
        await self.delete(params)
        _refuse_bad(url, secret)
        self._set = wanted
        self._updates.allow(allowed)
        self._task = asyncio.create_task(self._deliver_all())
        return _done("Webhook was set")

    async def delete(self, params: Params) -> dict[str, Any]:
        had_one = bool(self.url)
        await self.stop()
        self._set, self._last_error = _Setting(), {}
        if params.flag("drop_pending_updates"):
            self._updates.drop_pending()
        return _done("Webhook was deleted" if had_one else "Webhook is already deleted")

    def info(self) -> dict[str, Any]:
        info: dict[str, Any] = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.pending),
        }
        if self.url:
            info |= {"max_connections": self._set.max_connections, "ip_address": "127.0.0.1"}
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
        self._busy.clear()
        self._troubles.clear()

    def _refuse_often(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._may_set_at:
            raise too_many_requests(1)
        self._may_set_at = now + self._second_s

    async def _deliver_all(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                for queue, queued in self._next().items():
                    self._busy.add(queue)
                    group.create_task(self._deliver(session, queue, queued))
                await self._wake.wait()

    def _next(self) -> dict[object, Queued]:
        """Return the first update of each queue that may be delivered now.

        Returns no more than max_connections allows.
        """
        now = asyncio.get_running_loop().time()
        skipped = {queue for queue, trouble in self._troubles.items() if trouble.until > now}
        skipped |= self._busy
        chosen: dict[object, Queued] = {}
        for queued in self._updates.pending:
            if len(chosen) + len(self._busy) >= self._set.max_connections:
                break
            if (queue := _queue_of(queued)) not in skipped:
                chosen.setdefault(queue, queued)
        return chosen

    async def _deliver(
        self, session: aiohttp.ClientSession, queue: object, queued: Queued
    ) -> None:
        """Try once; a failure makes its queue wait, and holds no connection meanwhile."""
        secret = self._set.secret
        asked_wait = 0
        headers = {SECRET_HEADER: secret} if secret else {}
        try:
            async with session.post(self.url, json=queued.update, headers=headers) as reply:
                body = await reply.read()
                error = f"Wrong response from the webhook: {reply.status} {reply.reason}"
                if reply.headers.get("Retry-After", "").isdecimal():
                    asked_wait = int(reply.headers["Retry-After"])
            is_taken = 200 <= reply.status < 300
        except TimeoutError:
            is_taken, error = False, "Read timeout expired"
        except aiohttp.ClientConnectorError:
            is_taken, error = False, "Connection refused"
        except aiohttp.ClientError:
            is_taken, error = False, "Webhook connection closed"
        self._busy.discard(queue)
        if is_taken:
            self._troubles.pop(queue, None)
            self._updates.confirm([queued.update_id])
            self._run_reply(reply.content_type, body)
        else:
            self._last_error = {"last_error_date": self._now(), "last_error_message": error}
            self._wait(queue, min(asked_wait, _LONGEST_ASKED_WAIT))
            self._changed()
        self._wake.set()

    def _wait(self, queue: object, asked_wait: int) -> None:
        """Let the queue wait: not after a first failure, and then twice as long each time."""
        loop = asyncio.get_running_loop()
        trouble, wait = self._troubles.get(queue), asked_wait
        if trouble is None:
            trouble = self._troubles[queue] = _Trouble(loop.time())
        elif not asked_wait:
            wait = trouble.delay = min(trouble.delay * 2, _LONGEST_WAIT)
        trouble.until = loop.time() + wait * self._second_s
        # A little later, so that it is surely over then.
        loop.call_at(trouble.until + 0.001, self._wake.set)

    def _run_reply(self, content_type: str, body: bytes) -> None:
        """Run the method that a webhook's reply may contain; the bot never receives the result."""
        if content_type != "application/json" or not body:
            return
        try:
            values = json.loads(body)
            if isinstance(values, dict) and "method" in values:
                method = str(values.pop("method"))
                if not method.lower().startswith(_NOT_IN_A_REPLY):
                    self._call(method, Params(values))
        except (ValueError, ApiError) as error:
            logger.warning("method in a webhook reply failed: %s", error)


def _queue_of(queued: Queued) -> object:
    """Return what the update must not overtake: a pressed button overtakes its chat's messages."""
    if query := queued.update.get("callback_query"):
        return "callback_query", query["from"]["id"]
    kinds = queued.update.keys() - {"update_id"}
    is_message = bool(kinds & {"message", "edited_message"})
    return "message" if is_message else min(kinds), queued.chat_id


def _refuse_bad(url: str, secret: str) -> None:
    """Raise ApiError for what Telegram does not take; this machine may be reached anyhow, as by a
    Bot API server of one's own."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_request("invalid webhook URL specified")
    if len(secret) > 256:
        raise bad_request("secret token is too long")
    if not _SECRET_CHARACTERS.issuperset(secret):
        raise bad_request("secret token contains unallowed characters")
    if parts.hostname in _HERE:
        return
    if parts.scheme == "http":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in _PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


def _done(description: str) -> dict[str, Any]:
    return {"ok": True, "result": True, "description": description}
