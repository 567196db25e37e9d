"""Bot API methods by lower-case name. Each takes world and parameters, and returns a result."""

from collections.abc import Callable
from typing import Any

from bot.demo.bot_api.methods import (
    callbacks,
    chats,
    commands,
    copying,
    deleting,
    editing,
    media,
    places,
    sending,
    topics,
)
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import World

Method = Callable[[World, Params], Any]

_MODULES = (callbacks, chats, commands, copying, deleting, editing, media, places, sending, topics)

METHODS: dict[str, Method] = {
    name.lower(): method for module in _MODULES for name, method in module.METHODS.items()
}
