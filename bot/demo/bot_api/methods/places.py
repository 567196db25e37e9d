"""Methods for locations that the bot sends, and for live locations that it moves."""

from typing import Any

from bot.demo.bot_api import contents
from bot.demo.bot_api.errors import bad_request
from bot.demo.bot_api.methods.editing import apply, to_edit
from bot.demo.bot_api.methods.sending import send
from bot.demo.bot_api.params import Params
from bot.demo.bot_api.world import World


def _point(params: Params) -> tuple[float, float]:
    try:
        return float(params.text("latitude")), float(params.text("longitude"))
    except ValueError:
        raise bad_request("latitude is empty") from None


def send_location(world: World, params: Params) -> Any:
    live_period = params.integer("live_period") or None
    return send(world, params, contents.location(*_point(params), live_period=live_period))


def send_venue(world: World, params: Params) -> Any:
    title, address = params.text("title"), params.text("address")
    if not title or not address:
        raise bad_request(f"{'address' if title else 'title'} is empty")
    return send(world, params, contents.venue(*_point(params), title, address))


def edit_message_live_location(world: World, params: Params) -> Any:
    latitude, longitude = _point(params)
    return _move(world, params, {"latitude": latitude, "longitude": longitude})


def stop_message_live_location(world: World, params: Params) -> Any:
    return _move(world, params, {"live_period": None})


def _move(world: World, params: Params, changes: dict[str, float | None]) -> Any:
    chat, message = to_edit(world, params)
    place = message.get("location", {})
    if "live_period" not in place:
        raise bad_request("there is no live location in the message to edit")
    moved = {name: value for name, value in {**place, **changes}.items() if value is not None}
    return apply(world, params, chat, message, {"location": moved})


METHODS = {
    "sendLocation": send_location,
    "sendVenue": send_venue,
    "editMessageLiveLocation": edit_message_live_location,
    "stopMessageLiveLocation": stop_message_live_location,
}
