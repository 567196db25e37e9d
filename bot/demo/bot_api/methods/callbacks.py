"""answerCallbackQuery and setMessageReaction."""

from typing import Any

from bot.demo.bot_api.errors import QUERY_TOO_OLD, bad_request
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import World


def answer_callback_query(world: World, params: Params) -> Any:
    query = world.callbacks.get(params.text("callback_query_id"))
    if query is None or world.clock() - query.asked_at > world.callback_lifetime_s:
        raise bad_request(QUERY_TOO_OLD)
    text = params.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    if query.answer is None:
        query.answer = {
            "text": text,
            "show_alert": params.flag("show_alert"),
            "url": params.text("url"),
        }
        answered = {"callback_id": query.id, "user_id": query.user_id, "chat_id": query.chat_id}
        world.changes.publish("callback_answer", {**answered, **query.answer})
    return True


def set_message_reaction(world: World, params: Params) -> Any:
    chat = world.chat_for_bot(params.text("chat_id"))
    message_id = params.integer("message_id")
    if message_id not in chat.messages:
        raise bad_request("message to react not found")
    reactions = params.objects("reaction", "ReactionType") or []
    if reactions:
        chat.reactions[message_id] = reactions
    else:
        chat.reactions.pop(message_id, None)
    changed = {"chat_id": chat.id, "message_id": message_id, "reactions": reactions}
    world.changes.publish("reactions", changed)
    return True


METHODS = {
    "answerCallbackQuery": answer_callback_query,
    "setMessageReaction": set_message_reaction,
}
