"""The proxy before the Bot API: what it spoils, and a record of the calls that went through it."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from bot.demo.bot_api.params import Params, read_params
from tests.chaos.faults import Faults
from tests.chaos.http_proxy import Answer, HttpProxy
from tests.chaos.plan import MARKED, Fault, What

MARK: Final = re.compile(r"\bk\d{3,5}k\b")
"""The mark in each text that people write, by which it is found again."""

_SENDS: Final = ("send", "copy", "forward")
_CHANGES: Final = (*_SENDS, "edit", "createforumtopic")
_GROUPS: Final = {
    "sends": _SENDS,
    "copies": ("copy", "forward"),
    "edits": ("edit",),
    "answers": ("answer",),
    "reads": ("getme", "getchat", "getfile", "setmy"),
}
# Codes and words that no table of refusals has.
_REFUSALS: Final = (
    (400, f"Bad Request: MESSAGE_{MARKED.replace('-', '_')}_INVALID"),
    (406, f"Not Acceptable: {MARKED}"),
    (420, f"FLOOD_{MARKED}"),
    (403, f"Forbidden: {MARKED}"),
    (418, MARKED),
    (400, f"Bad Request: {MARKED} is not ready"),
)


@dataclass(slots=True, kw_only=True)
class Call:
    """One call that went through the proxy; an upload without its chat."""

    method: str
    chat_id: int
    begun_at: float
    words: tuple[str, ...]
    """The marks of the messages that it carries."""
    ended_at: float = 0.0
    is_done: bool = False
    """True if Telegram did it."""
    fault: What | None = None
    retry_after_s: int = 0

    @property
    def is_unconfirmed(self) -> bool:
        """True if it was done, and whoever called could not read that."""
        return self.is_done and self.fault not in (None, What.DELAY)


_CALL: Final = web.RequestKey("call", Call)


class TelegramProxy(HttpProxy):
    """`calls` are all that it has got, oldest first."""

    def __init__(
        self, target: str, faults: Faults, *, marks: Mapping[tuple[int, int], str]
    ) -> None:
        """marks: the mark of each message that people wrote, by its chat and id."""
        super().__init__(target, faults)
        self._marks = marks
        self.calls: list[Call] = []

    async def begun(self, request: web.Request) -> None:
        # The body of an upload was read to pass it on, and is not taken apart.
        is_upload = request.content_type.startswith("multipart/")
        params = Params({}) if is_upload else await read_params(request)
        call = Call(
            method=_method(request),
            chat_id=params.integer("chat_id"),
            begun_at=time.monotonic(),
            words=tuple(self._words(params)),
        )
        self.calls.append(call)
        request[_CALL] = call

    def ended(self, request: web.Request, done: Answer | None, fault: Fault | None) -> None:
        call = request[_CALL]
        call.ended_at = time.monotonic()
        call.is_done = done is not None and done.status == 200
        call.fault = fault.what if fault else None
        if call.fault is What.TOO_MANY and fault:
            call.retry_after_s = fault.value

    def targets(self, request: web.Request) -> frozenset[str]:
        method = _method(request)
        if method.lower() == "getupdates":
            return frozenset(("all", "updates"))
        found = {name for name, parts in _GROUPS.items() if method.lower().startswith(parts)}
        return frozenset(("all", method, *found))

    def invented(self, fault: Fault) -> Answer | None:
        code, said, parameters = fault.value, f"Internal Server Error: {MARKED}", {}
        if fault.what is What.REFUSAL:
            code, said = _REFUSALS[(fault.value - 1) % len(_REFUSALS)]
        elif fault.what is What.TOO_MANY:
            code, said = 429, f"Too Many Requests: retry after {fault.value}"
            parameters = {"parameters": {"retry_after": fault.value}}
        elif fault.what is not What.SERVER_ERROR:
            return None
        body = {"ok": False, "error_code": code, "description": said, **parameters}
        return Answer(code, json.dumps(body).encode())

    def spoilt(self, fault: Fault, answer: Answer, request: web.Request) -> Answer:
        body = json.loads(answer.body)
        spoil = _with_field if fault.what is What.FIELD else _with_variant
        result = body.get("result")
        if isinstance(result, dict):
            spoil(result)
        elif isinstance(result, list):
            for update in result:
                for content in update.values() if isinstance(update, dict) else ():
                    if isinstance(content, dict):
                        spoil(content)
        body[f"new_{MARKED}"] = {"of": MARKED}
        return Answer(answer.status, json.dumps(body).encode(), answer.content_type)

    def _words(self, params: Params) -> Iterator[str]:
        for name in ("text", "caption", "media"):
            yield from MARK.findall(params.text(name))
        source = params.integer("from_chat_id")
        ids = params.json("message_ids") if "message_ids" in params else None
        for message_id in ids or (params.integer("message_id"),):
            if source and (mark := self._marks.get((source, int(message_id)))):
                yield mark


def is_send(call: Call) -> bool:
    return call.method.lower().startswith(_SENDS) and call.method != "sendChatAction"


def is_change(call: Call) -> bool:
    """Return True for a call that puts something into a chat, in its order."""
    return call.method.lower().startswith(_CHANGES) and call.method != "sendChatAction"


def _method(request: web.Request) -> str:
    return request.path.rsplit("/", 1)[-1]


def _with_field(content: dict[str, Any]) -> None:
    content[f"new_{MARKED}"] = {"type": MARKED, "list": [1, None, {"a": MARKED}]}
    if isinstance(chat := content.get("chat"), dict):
        chat[f"new_{MARKED}"] = [MARKED]
    if isinstance(sender := content.get("from"), dict):
        sender[f"is_{MARKED}"] = True


def _with_variant(content: dict[str, Any]) -> None:
    """Change a variant into one that is not known: of a member, a message or the bot itself."""
    if "status" in content:
        content["status"] = f"guest_{MARKED}"
    if "message_id" in content and "from" in content:
        content["forward_origin"] = {"type": f"galaxy_{MARKED}", "date": {"at": MARKED}}
    elif "is_bot" in content:
        content["username"] = {"type": MARKED}
