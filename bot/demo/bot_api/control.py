"""The control API over HTTP: people's actions as JSON, and a stream of events.

It is for the page and for benchmarks. So it answers only pages from its own address and, if the
emulator listens on loopback, only requests to loopback names.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, web

from bot.demo.bot_api.changes import Event
from bot.demo.bot_api.limits import Limit
from bot.demo.bot_api.messages import topics_of
from bot.demo.bot_api.methods.commands import commands_for
from bot.demo.bot_api.people import People
from bot.demo.bot_api.world import Chat, Json

PING_S = 15.0
_SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/")


class Control:
    """Routes under /demo that act for people and show the state."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._stopping = False

    def add_routes(self, app: web.Application) -> None:
        self._stopping = False
        router = app.router
        router.add_get("/demo/api/state", self._state)
        router.add_get("/demo/events", self._events)
        router.add_get("/demo/files/{file_id}", self._file)
        router.add_get("/demo/api/limits", self._limits)
        router.add_post("/demo/api/file", self._send_file)
        for name, action in self._actions().items():
            router.add_post(f"/demo/api/{name}", self._acting(action))

    def stop(self) -> None:
        self._stopping = True
        self._people.changes.wake()

    def _actions(self) -> dict[str, Callable[..., Any]]:
        people = self._people
        return {
            "user": people.add_user,
            "group": people.add_group,
            "member": people.add_member,
            "remove-member": people.remove_member,
            "text": people.send_text,
            "sample": people.send_sample,
            "forward": people.forward,
            "move-location": people.move_location,
            "contact": people.send_contact,
            "edit": people.edit_text,
            "delete": people.delete_message,
            "press": people.press,
            "open-web-app": people.open_web_app,
            "reply-button": people.press_reply_button,
            "block": people.block_bot,
            "unblock": people.unblock_bot,
            "create-topic": people.create_topic,
            "close-topic": people.close_topic,
            "rename-topic": people.rename_topic,
            "delete-topic": people.delete_topic,
            "migrate": people.migrate,
            "set-forum": people.set_forum,
            "set-bot-rights": people.set_bot_rights,
            "limit": lambda **limit: people.limits.set(Limit(**limit)),
        }

    def _acting(
        self, action: Callable[..., Any]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def act(request: web.Request) -> web.Response:
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="application/json expected")
            body = await request.json()
            try:
                return web.json_response({"result": action(**body)})
            except (LookupError, ValueError, TypeError, PermissionError) as error:
                return _refused(error)

        return act

    async def _send_file(self, request: web.Request) -> web.Response:
        values: dict[str, Any] = {}
        content, name, mime = b"", "", ""
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "file":
                name = part.filename or ""
                mime = part.headers.get("Content-Type", "")
                content = bytes(await part.read())
            elif part.name is not None:
                values[part.name] = await part.text()
        for key in ("user_id", "chat_id", "reply_to", "thread_id"):
            if key in values:
                values[key] = int(values[key])
        try:
            message = self._people.send_file(**values, content=content, name=name, mime=mime)
        except (LookupError, ValueError, TypeError, PermissionError) as error:
            return _refused(error)
        return web.json_response({"result": message})

    async def _limits(self, _request: web.Request) -> web.Response:
        return web.json_response(self._people.limits.seen())

    async def _state(self, request: web.Request) -> web.Response:
        """Return all data of the page, and the number of the stream's latest event.

        ?chat_id= selects one chat, ?last= limits the messages of each chat.
        """
        people = self._people
        last = request.query.get("last", "")
        kept = int(last) if last.isdigit() else None
        wanted = request.query.get("chat_id")
        return web.json_response(
            {
                "seq": f"{people.changes.run}-{people.changes.seq}",
                "bot": people.bot.api,
                "users": {
                    user.id: user.api | {"blocked": user.blocked, "phone": user.phone}
                    for user in people.users.values()
                },
                "chats": {
                    chat.id: self._chat(chat, kept)
                    for chat in people.chats.values()
                    if wanted is None or wanted == str(chat.id)
                },
                "pending_updates": len(people.updates.pending),
                "confirmed_update_id": people.updates.confirmed_update_id,
            }
        )

    def _chat(self, chat: Chat, kept: int | None) -> Json:
        messages = list(chat.messages.values())
        present = [chat.id] if chat.is_private else [*chat.members]
        return {
            **chat.api,
            "migrated_to": chat.migrated_to,
            "messages": messages if kept is None else messages[max(0, len(messages) - kept) :],
            "members": {user_id: member.status for user_id, member in chat.members.items()},
            "topics": topics_of(chat),
            "keyboards": chat.keyboards,
            "pinned": chat.pinned,
            "reactions": chat.reactions,
            "commands": {
                user_id: commands_for(self._people, chat, user_id) for user_id in present
            },
        }

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send server-sent events after ?since= (or Last-Event-ID).

        The event `reset` asks the client to read the state again.
        """
        since = request.headers.get("Last-Event-ID") or request.query.get("since") or ""
        changes = self._people.changes
        run, _, number = since.partition("-")
        seq = changes.seq if not since else -1
        if run == changes.run and number.isdigit():
            seq = int(number)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        try:
            await response.write(b"retry: 1000\n\n")
            while not self._stopping:
                waiter = changes.waiter()
                events = changes.since(seq)
                if events is None:
                    await response.write(b"event: reset\ndata: {}\n\n")
                    seq = changes.seq
                elif events:
                    await response.write(
                        b"".join(_encoded(event, changes.run) for event in events)
                    )
                    seq = events[-1].seq
                done, _ = await asyncio.wait({waiter}, timeout=PING_S)
                if not done:
                    await response.write(b": ping\n\n")
        except ConnectionResetError:
            pass
        return response

    async def _file(self, request: web.Request) -> web.Response:
        file = self._people.files.by_id(request.match_info["file_id"])
        if file is None:
            raise web.HTTPNotFound
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        response = web.Response(body=file.content, headers=headers)
        inline = file.mime.startswith(_SHOWN_INLINE)
        response.content_type = file.mime if inline else "application/octet-stream"
        return response


def _encoded(event: Event, run: str) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {run}-{event.seq}\nevent: {event.kind}\ndata: {data}\n\n".encode()


def _refused(error: Exception) -> web.Response:
    return web.json_response({"error": str(error)}, status=409)
