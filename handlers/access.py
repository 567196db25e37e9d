"""Access control: messages and callback queries are checked against `bot.domain.access`."""

from dataclasses import dataclass
from typing import Final

import structlog
from aiogram import BaseMiddleware
from aiogram.filters import Filter
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from bot.domain.access import COMMANDS, REPLIES, ChatKind, Role, Rule, rule_of_press
from bot.domain.errors import TryLaterError
from bot.usecases.company.roles import RoleOf, RoleUnknown
from handlers.answers import EXPIRED_BUTTON, Data, Handler, answer_press, bot_of, say_below
from handlers.customer import texts as customer_texts
from handlers.relay.content import INTERNAL
from handlers.relay.service import SERVICE

UNKNOWN_COMMAND: Final = "Não conheço este comando. Toque em /ajuda para ver como funciona."
ADMINS_ONLY: Final = "Este comando é só para administradores."
PRIVATE_ONLY: Final = "Este comando funciona só na conversa privada comigo."
GROUP_ONLY: Final = "Este comando funciona só no grupo."
ADMINS_ONLY_BUTTON: Final = "Este botão é só para administradores."
ATTENDANTS_ONLY: Final = "Este botão é só para os atendentes deste grupo."
NOT_SENT: Final = (
    "⚠️ <b>Sua resposta não foi enviada ao cliente</b>: só quem é atendente deste grupo responde."
)
TRY_LATER: Final = "Não consegui confirmar agora que você é atendente. Tente de novo em um minuto."
CANNOT_TELL: Final = (
    "Não consigo confirmar que você é atendente: "
    "peça a um administrador para tornar o bot administrador deste grupo."
)

AS_CHANNEL: Final = (
    "⚠️ <b>Isso não foi para o cliente nem foi feito</b>: você escreve em nome de um canal, e o "
    "bot não sabe quem é. Troque para o seu nome ao lado do campo de mensagem e envie de novo."
)

logger = structlog.get_logger()


class IsWords(Filter):
    """Filter that passes every message but commands, by what `Access` found."""

    async def __call__(self, event: TelegramObject, is_command: bool = False) -> bool:
        return not is_command


class IsAdmin(Filter):
    """Filter that passes events of admins, by the role that `Access` found."""

    async def __call__(self, event: TelegramObject, role: Role = Role.CUSTOMER) -> bool:
        return role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class Access(BaseMiddleware):
    """Outer middleware that checks messages and callback queries against the access table.

    Allowed events go on with the `role` in the handlers' data; the others are answered here. Of a
    message the data also say if it `is_command`. Must come before aiogram-dialog's own middleware.
    """

    role_of: RoleOf

    async def __call__(self, handler: Handler, event: TelegramObject, data: Data) -> object:
        if isinstance(event, Message):
            update: Update = data["event_update"]
            is_edit = update.edited_message is event
            role = await (self._of_edit(event) if is_edit else self._of_message(event, data))
        elif isinstance(event, CallbackQuery):
            role = await self._of_press(event)
        else:
            raise TypeError(f"no rule for {type(event).__name__}")
        if role is None:
            return None
        data["role"] = role
        return await handler(event, data)

    async def _of_message(self, message: Message, data: Data) -> Role | None:
        """Return the sender's role, or None after answering a message that is not allowed."""
        if message.from_user is None or _is_by_a_bot(message) or message.is_automatic_forward:
            return None
        chat_kind = _chat_kind(message.chat.type)
        if chat_kind is ChatKind.PRIVATE and message.content_type in SERVICE:
            return None
        command, to = _command(message)
        if to is not None and to != (await bot_of(message).me()).username:
            if chat_kind is ChatKind.GROUP:
                return None
            command = None
        if command is not None and not await self._is_text(message, command, chat_kind):
            data["is_command"] = True
            return await self._of_command(message, command, chat_kind, data)
        # In a topic every message may reach a customer, whether it names a message that it replies
        # to or not.
        if chat_kind is ChatKind.GROUP and (message.reply_to_message or message.is_topic_message):
            return await self._of_reply(message, data)
        # Any other text reaches nobody in a group, so no membership is looked up.
        return await self.role_of.of_writer(message.from_user.id)

    async def _is_text(self, message: Message, command: str, chat_kind: ChatKind) -> bool:
        """Return True if the sender has no such command: the words are for somebody to read.

        A customer's answer to an admin's command is the same as to an unknown one, so it reveals
        nothing.
        """
        rule = COMMANDS.get(command)
        if chat_kind is ChatKind.GROUP:
            in_place = message.reply_to_message or message.is_topic_message
            return rule is None and bool(in_place)
        if message.text is None or (rule and rule.is_for_anybody) or message.from_user is None:
            return False
        if rule and rule.allows(Role.CUSTOMER, ChatKind.PRIVATE):
            return False
        return await self.role_of.of_writer(message.from_user.id) is not Role.ADMIN

    async def _of_edit(self, message: Message) -> Role | None:
        """Return the editor's role, or None. An edit is never answered.

        A message that was refused when it was written was never passed on.
        """
        if message.from_user is None or _is_by_a_bot(message):
            return None
        if _chat_kind(message.chat.type) is ChatKind.PRIVATE:
            return await self.role_of.of_writer(message.from_user.id)
        if is_the_group(message):
            return Role.ATTENDANT
        role = await self.role_of.of_group_writer(message.from_user.id, message.chat.id)
        if isinstance(role, RoleUnknown):
            if role.try_later:
                raise TryLaterError("Telegram does not say who is in the group")
            return None
        return role if REPLIES.allows(role, ChatKind.GROUP) else None

    async def _of_command(
        self, message: Message, command: str, chat_kind: ChatKind, data: Data
    ) -> Role | None:
        rule = COMMANDS.get(command)
        if chat_kind is ChatKind.GROUP and rule and rule.group and _is_a_channel(message):
            await self._refuse_channel(message, data)
            return None
        role = await self._role(message, rule, chat_kind)
        if isinstance(role, RoleUnknown):
            await message.reply(TRY_LATER if role.try_later else CANNOT_TELL)
            return None
        if rule and rule.allows(role, chat_kind):
            return role
        if answer := _refusal(rule, role, chat_kind):
            await message.reply(answer) if chat_kind is ChatKind.GROUP else await message.answer(
                answer
            )
        return None

    async def _role(
        self, message: Message, rule: Rule | None, chat_kind: ChatKind
    ) -> Role | RoleUnknown:
        user_id = message.from_user.id if message.from_user else 0
        if chat_kind is ChatKind.PRIVATE:
            # An admin's role is read from the database; a customer's role needs no look-up.
            if rule is None or rule.is_for_anybody:
                return await self.role_of.of_writer(user_id)
            return await self.role_of(user_id)
        if rule is None or (rule.is_for_anybody and not rule.group):
            return Role.CUSTOMER  # not a group command: no answer, for any role
        if is_the_group(message):
            return Role.ATTENDANT
        return await self.role_of(user_id, group_id=message.chat.id)

    async def _of_reply(self, message: Message, data: Data) -> Role | None:
        if is_the_group(message):
            return Role.ATTENDANT
        if _is_a_channel(message):
            await self._refuse_channel(message, data)
            return None
        if message.from_user is None:
            return None
        role = await self.role_of.of_group_writer(message.from_user.id, message.chat.id)
        if isinstance(role, RoleUnknown):
            if role.try_later:
                # No reply to a customer may be lost: the inbox delivers the update again.
                raise TryLaterError("Telegram does not say who is in the group")
            await say_below(message, data["state"], CANNOT_TELL)
            return None
        if REPLIES.allows(role, ChatKind.GROUP):
            return role
        replied = message.reply_to_message
        if replied and replied.from_user and replied.from_user.id == bot_of(message).id:
            await say_below(message, data["state"], NOT_SENT)
        return None

    async def _refuse_channel(self, message: Message, data: Data) -> None:
        """Say below it, in a department's group, that nobody knows who writes."""
        if await self.role_of.is_attended(message.chat.id):
            await say_below(message, data["state"], AS_CHANNEL)

    async def _of_press(self, callback: CallbackQuery) -> Role | None:
        rule = rule_of_press(callback.data or "")
        if callback.message is None or rule is None:
            await answer_press(callback, EXPIRED_BUTTON, alert=True)
            return None
        chat_kind = _chat_kind(callback.message.chat.type)
        group_id = callback.message.chat.id if chat_kind is ChatKind.GROUP else None
        role: Role | RoleUnknown
        if chat_kind is ChatKind.PRIVATE and rule.is_for_anybody:
            role = await self.role_of.of_writer(callback.from_user.id)
        else:
            role = await self.role_of(callback.from_user.id, group_id=group_id)
        if isinstance(role, RoleUnknown):
            answer = TRY_LATER if role.try_later else CANNOT_TELL
            await answer_press(callback, answer, alert=True)
            return None
        if rule.allows(role, chat_kind):
            return role
        logger.info("press refused", user=callback.from_user.id, role=role)
        # In private, the same answer as for an expired button: it does not reveal that admins
        # exist.
        answer = EXPIRED_BUTTON
        if chat_kind is ChatKind.GROUP and rule.group:
            answer = ATTENDANTS_ONLY if Role.ATTENDANT in rule.group else ADMINS_ONLY_BUTTON
        await answer_press(callback, answer, alert=True)
        return None


def _chat_kind(chat_type: str) -> ChatKind:
    return ChatKind.PRIVATE if chat_type == "private" else ChatKind.GROUP


def _command(message: Message) -> tuple[str | None, str | None]:
    """Return the command, parsed as aiogram does, and the bot that it mentions, if any."""
    words = (message.text or message.caption or "").split(maxsplit=1)
    if not words or not words[0].startswith("/") or _is_comment(message, words[0]):
        return None, None
    command, _, mentioned = words[0][1:].partition("@")
    if message.text is None and command not in COMMANDS:
        # aiogram also takes commands from captions. A caption that is no command is to be
        # delivered.
        return None, None
    return command, mentioned or None


def _is_comment(message: Message, word: str) -> bool:
    """Return True if an attendant marked the message as an internal comment."""
    return message.chat.type != "private" and word.startswith(INTERNAL)


def _is_by_a_bot(message: Message) -> bool:
    """Return True for a bot's message, such as our own service messages about topics and pins.

    An anonymous administrator also writes through a bot, and does not count as one.
    """
    return bool(message.from_user and message.from_user.is_bot) and not message.sender_chat


def is_the_group(message: Message) -> bool:
    """Return True if an administrator writes in the group's name; Telegram hides which one."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id


def _is_a_channel(message: Message) -> bool:
    """Return True if somebody writes in the name of a channel: Telegram hides who."""
    return message.sender_chat is not None and not is_the_group(message)


def _refusal(rule: Rule | None, role: Role, chat_kind: ChatKind) -> str | None:
    """Return the answer to a command that is not allowed; None means no answer."""
    if chat_kind is ChatKind.PRIVATE:
        if role is not Role.ADMIN:
            # The answer is the same for unknown commands, so that customers learn nothing of admin
            # commands.
            return customer_texts.HELP
        return GROUP_ONLY if rule and rule.group else UNKNOWN_COMMAND
    if rule is None or role is Role.CUSTOMER or rule.is_for_anybody:
        return None
    return PRIVATE_ONLY if role is Role.ADMIN else ADMINS_ONLY
