"""The reading of Telegram's answers: each becomes a result or an error that we know."""

import json
from typing import Any, Final, cast

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
)
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import ForumTopic, Message, MessageId
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)

from bot.domain.errors import (
    Problem,
    RefusedError,
    TryLaterError,
    UnconfirmedError,
    UnknownRefusalError,
)
from bot.domain.refusals import asked_to_wait_s, code_of, find_refusal
from bot.runtime.sending.repair import NotReadableError, is_id, read

_CONNECT_S: Final = 15.0
_UNASKED_WAIT_S: Final = 5.0
"""For a 429 that does not say how long."""
# Repeating one of these changes nothing, and shows nobody anything twice.
_REPEATABLE: Final = (
    "get",
    "set",
    "deleteMyCommands",
    "deleteWebhook",
    "answerCallbackQuery",
    "sendChatAction",
)
ERRORS: Final[dict[int, type[TelegramAPIError]]] = {
    400: TelegramBadRequest,
    403: TelegramForbiddenError,
    404: TelegramNotFound,
    413: TelegramEntityTooLarge,
}

logger = structlog.get_logger()


def is_repeatable(method: TelegramMethod[Any]) -> bool:
    """Return True if the call may be made again although it may have been done."""
    return method.__api_method__.startswith(_REPEATABLE)


class TelegramSession(AiohttpSession):
    """A session whose errors are ours, or a refusal that `find_refusal` knows.

    The errors of the library below hold whole answers and requests, so none of them is kept.
    """

    async def close(self) -> None:
        if self.api.base.startswith("https://"):
            await super().close()
        elif self._session is not None:
            # Without TLS there is no shutdown to wait for.
            await self._session.close()

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        limits = ClientTimeout(
            total=self.timeout if timeout is None else timeout, sock_connect=_CONNECT_S
        )
        form = self.build_form_data(bot=bot, method=method)
        failure: Exception
        try:
            async with session.post(
                url, data=form, timeout=limits, allow_redirects=False
            ) as response:
                status, body = response.status, await response.read()
        except (TimeoutError, ClientError, OSError) as error:
            failure = _not_answered(method, error)
        else:
            return cast(TelegramType, read_answer(bot, method, status, body))
        raise failure


def read_answer(bot: Bot, method: TelegramMethod[Any], status: int, body: bytes) -> Any:
    """Return the call's result; raises our own errors and known refusals alone."""
    answer = _parsed(body)
    if answer is None or not isinstance(answer.get("ok"), bool):
        raise _unknown_outcome(method, f"HTTP {status} without an answer of Telegram's")
    if answer["ok"]:
        return _result(bot, method, answer.get("result"))
    raise _refusal(method, status, answer)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _not_answered(method: TelegramMethod[Any], error: Exception) -> TryLaterError:
    what = type(error).__name__
    if isinstance(error, (ClientConnectorError, ConnectionTimeoutError, InvalidURL)):
        return TryLaterError(
            f"Telegram is not reached for {method.__api_method__} ({what})",
            problem=Problem.TELEGRAM_GONE,
        )
    return _unknown_outcome(method, what, problem=Problem.TELEGRAM_GONE)


def _unknown_outcome(
    method: TelegramMethod[Any], what: str, *, problem: Problem = Problem.TELEGRAM_STRANGE
) -> TryLaterError:
    kind = TryLaterError if is_repeatable(method) else UnconfirmedError
    return kind(f"Telegram does not answer {method.__api_method__} ({what})", problem=problem)


def _refusal(method: TelegramMethod[Any], status: int, answer: dict[str, Any]) -> Exception:
    """Return the error for Telegram's `ok: false`: it was not done."""
    name, code = method.__api_method__, answer.get("error_code")
    if _is_about_token(name, code, answer.get("description")):
        return TryLaterError("Telegram does not accept the bot's token", problem=Problem.BOT_TOKEN)
    code = code if is_id(code) else status
    description = answer.get("description")
    description = description if isinstance(description, str) else ""
    parameters = answer.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if (wait_s := _wait_s(code, description, parameters)) is not None:
        return TelegramRetryAfter(method, "", cast(int, wait_s))
    if is_id(moved_to := parameters.get("migrate_to_chat_id")):
        return TelegramMigrateToChat(method, "", moved_to)
    if code == 409 and name == "getUpdates":
        return TelegramConflictError(method, "webhook" if "ebhook" in description else "")
    if code == 400 and name == "setWebhook":
        # Its description quotes the address alone.
        return RefusedError(f"setWebhook: {description}", problem=Problem.WEBHOOK_URL)
    known = find_refusal("request entity too large" if code == 413 else description)
    if known is not None and code < 500:
        # The whole description can quote what a person wrote.
        return ERRORS.get(code, TelegramBadRequest)(method, known.phrase)
    said = f"Telegram refuses {name} ({code} {code_of(description)}".rstrip() + ")"
    if code >= 500:
        later = TryLaterError if is_repeatable(method) else UnknownRefusalError
        return later(said, problem=Problem.TELEGRAM_GONE)
    return UnknownRefusalError(said, problem=Problem.TELEGRAM_STRANGE)


def _is_about_token(name: str, code: object, description: object) -> bool:
    # Telegram answers 404 to a token of the wrong form. Later in a run it can only be a proxy.
    return code == 401 or (code == 404 and name == "getMe" and description == "Not Found")


def _wait_s(code: object, description: str, parameters: dict[str, Any]) -> float | None:
    asked = parameters.get("retry_after")
    if isinstance(asked, str) and asked.isdecimal():
        asked = int(asked)
    if isinstance(asked, (int, float)) and not isinstance(asked, bool) and asked > 0:
        return asked
    return asked_to_wait_s(description) or (_UNASKED_WAIT_S if code == 429 else None)


def _result(bot: Bot, method: TelegramMethod[Any], result: Any) -> Any:
    """Return the result of a call that Telegram has done, as far as it can be read."""
    kind = method.__returning__
    if kind == list[Message]:
        parts = result if isinstance(result, list) else []
        count = len(getattr(method, "media", ()))
        parts = parts if len(parts) == count else [None] * count
        return [_message(bot, method, part) for part in parts]
    if kind is Message:
        return _message(bot, method, result)
    try:
        return read(kind, result, bot)
    except NotReadableError:
        pass
    raw = result if isinstance(result, dict) else {}
    if kind is MessageId:
        return MessageId(message_id=_id(raw, "message_id"))
    if kind is ForumTopic and is_id(raw.get("message_thread_id")):
        title = getattr(method, "name", "")
        return ForumTopic(message_thread_id=raw["message_thread_id"], name=title, icon_color=0)
    name = method.__api_method__
    if kind is ForumTopic:
        # The topic is there, but nobody knows where.
        raise UnconfirmedError(f"the answer to {name} cannot be read")
    if name.startswith("get"):
        raise UnknownRefusalError(
            f"the answer to {name} cannot be read", problem=Problem.TELEGRAM_STRANGE
        )
    logger.warning("answer not understood", method=name)
    return True


def _message(bot: Bot, method: TelegramMethod[Any], result: Any) -> Message:
    try:
        message: Message = read(Message, result, bot)
    except NotReadableError:
        logger.warning("answer not understood", method=method.__api_method__)
    else:
        return message
    topic_id, chat_id = getattr(method, "message_thread_id", None), getattr(method, "chat_id", 0)
    raw = result if isinstance(result, dict) else {}
    said = raw.get("is_topic_message")
    return Message.model_validate(
        {
            "message_id": _id(raw, "message_id"),
            "date": 0,
            "chat": {"id": chat_id if is_id(chat_id) else 0, "type": "private"},
            "message_thread_id": topic_id,
            "is_topic_message": said if isinstance(said, bool) else topic_id is not None,
        },
        context={"bot": bot},
    )


def _id(raw: Any, name: str) -> int:
    """Return the id, or 0 where the answer has none: that no message has."""
    value = raw.get(name) if isinstance(raw, dict) else None
    return value if is_id(value) else 0
