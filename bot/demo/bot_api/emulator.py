"""BotApiEmulator: an in-memory Telegram as a bot sees it. Code or a page plays the people."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

from aiohttp import web

from bot.demo.bot_api.control import Control
from bot.demo.bot_api.errors import ApiError
from bot.demo.bot_api.faults import Fault, Raw
from bot.demo.bot_api.limits import NO_LIMIT, Limit
from bot.demo.bot_api.page import Page, Scene
from bot.demo.bot_api.people import People
from bot.demo.bot_api.server import BotApiServer
from bot.demo.bot_api.world import Call
from bot.demo.own_page import only_own_page

T = TypeVar("T")

_BOT_ID = 123456
REQUEST_LIMIT_BYTES = 64 * 1024 * 1024
# What a test waits for comes, however busy the machine is, or never.
_HANG_S = 300.0


class BotApiEmulator(People):
    """A Bot API server with users and groups inside.

    Start it, point a bot at `url`, add people, let them write and press buttons. `BEHAVIOURS.md`
    lists the emulated behaviours and the source of each rule; an unknown method answers 404.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        bot_name: str = "Balcão",
        bot_username: str = "balcao_demo_bot",
        first_update_id: int = 1000,
        webhook_second_s: float = 0.1,
        history_limit: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Create an emulator that is not started.

        token: None draws one; history_limit: messages kept per chat; clock: seconds since 1970.
        webhook_second_s: how long a second lasts between attempts to deliver to a webhook.
        """
        token = token or f"{_BOT_ID}:{secrets.token_urlsafe(24)}"
        super().__init__(
            bot_id=int(token.partition(":")[0]),
            bot_name=bot_name,
            bot_username=bot_username,
            first_update_id=first_update_id,
            history_limit=history_limit,
            clock=clock,
        )
        self.token = token
        self._server = BotApiServer(self, token=token, webhook_second_s=webhook_second_s)
        self._control = Control(self)
        self._page = Page(self)
        self._runner: web.AppRunner | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Return the URL without a slash at the end; empty before start."""
        return self._url

    @property
    def pending_updates(self) -> int:
        """Return the number of updates that the bot has not confirmed yet."""
        return len(self.updates.pending)

    @property
    def confirmed_update_id(self) -> int:
        """Return the highest confirmed update_id; at first, first_update_id - 1."""
        return self.updates.confirmed_update_id

    def serve_page(self, scene: Scene) -> None:
        """Serve the chat page at `/`."""
        self._page.show(scene)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start listening; port 0 picks a free port.

        The control API and the page answer loopback only.
        """
        app = web.Application(
            client_max_size=REQUEST_LIMIT_BYTES, middlewares=[only_own_page("/bot", "/file/")]
        )
        self._server.start()
        self._server.add_routes(app)
        self._control.add_routes(app)
        self._page.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound_port = self._runner.addresses[0][1]
        shown_host = f"[{host}]" if ":" in host else host
        self._url = f"http://{shown_host}:{bound_port}"

    async def stop(self) -> None:
        """End long polls, hanging calls and page connections, then stop listening."""
        await self._server.stop()
        self._control.stop()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> "BotApiEmulator":
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def fail_next(
        self,
        method: str,
        code: int | None = None,
        description: str | None = None,
        *,
        retry_after: int | None = None,
        times: int = 1,
        chat_id: int | None = None,
        delay_s: float = 0.0,
        hang: bool = False,
        after: bool = False,
        held: asyncio.Event | None = None,
        raw: Raw | None = None,
    ) -> None:
        """Make the next `times` calls of a method fail.

        method: as the Bot API writes it, or "*" for any but getUpdates.
        code: the HTTP status; None is no error, only delay_s, hang or held.
        description: Telegram's text; 429 fills it in from retry_after.
        chat_id: only calls that name this chat.
        hang: never answer, and drop the connection when the emulator stops.
        after: do the work first, so that only the reply is lost.
        held: be late until it is set.
        raw: answer with something that is not the Bot API's.
        """
        error = None
        if code is not None:
            if code == 429 and retry_after is None:
                raise ValueError("429 needs retry_after")
            if description is None:
                description = (
                    f"Too Many Requests: retry after {retry_after}"
                    if code == 429
                    else f"Internal Server Error: {code}"
                )
            error = ApiError(code, description, retry_after=retry_after)
        self.faults.add(
            Fault(method.lower(), error, times, chat_id, delay_s, hang, after, held, raw)
        )

    def limit(
        self,
        *,
        per_group: int = 20,
        per_chat: int = 1,
        burst: int = 3,
        overall: int = 30,
        minute_s: float = 60.0,
        second_s: float = 1.0,
    ) -> None:
        """Switch on Telegram's rate limits for sends and edits, as `Limit` describes them.

        A call over a limit gets 429 with the whole seconds to wait, at least 1. `limits` counts
        these refusals and the peak rates; both counts restart here.
        """
        self.limits.set(
            Limit(
                per_group=per_group,
                per_chat=per_chat,
                burst=burst,
                overall=overall,
                minute_s=minute_s,
                second_s=second_s,
            )
        )

    def limit_groups(self, messages: int = 20, per_s: float = 60.0) -> None:
        """Switch on only the limit of sends and edits per group; 0 messages switches it off."""
        self.limits.set(replace(NO_LIMIT, per_group=messages, minute_s=per_s))

    async def until(self, predicate: Callable[[], T], timeout_s: float = _HANG_S) -> T:
        """Wait until the predicate is true and return its value; a LookupError counts as false.

        The predicate is evaluated again after every change. Raises TimeoutError that quotes the
        last messages.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            try:
                value = predicate()
            except LookupError:
                pass
            else:
                if value:
                    return value
            waiter = self.changes.waiter()
            timer = loop.call_at(deadline, self._give_up, waiter)
            try:
                await waiter
            finally:
                timer.cancel()

    def calls_of(self, method: str) -> list[Call]:
        """Return the recorded calls of one method, oldest first."""
        return [call for call in self.calls if call.method.lower() == method.lower()]

    def _give_up(self, waiter: "asyncio.Future[None]") -> None:
        if not waiter.done():
            waiter.set_exception(TimeoutError(f"not so in time; {self._last_messages()}"))

    def _last_messages(self) -> str:
        everything = [
            message for chat in self.chats.values() for message in chat.messages.values()
        ]
        last = sorted(everything, key=lambda message: message["date"])[-6:]
        shown = [
            f"{message['chat']['id']}#{message['message_id']} {message['from']['first_name']}: "
            f"{message.get('text') or message.get('caption') or '(' + _kind(message) + ')'!r}"
            for message in last
        ]
        calls = [call.method for call in list(self.calls)[-6:]]
        said = "\n  ".join(shown) or "none"
        return f"last messages:\n  {said}\nlast calls: {', '.join(calls) or 'none'}"


def _kind(message: dict[str, object]) -> str:
    known = {"message_id", "from", "chat", "date", "reply_to_message", "message_thread_id"}
    return ", ".join(name for name in message if name not in known)
