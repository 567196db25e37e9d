"""MongoDB's wire protocol, as far as a proxy before a server needs it.

Source: MongoDB's description of OP_MSG.
"""

import asyncio
import struct
from collections.abc import Mapping
from typing import Any, Final

import bson

_HEADER: Final = struct.Struct("<iiii")
_OP_MSG: Final = 2013


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """Return one whole message; empty when the other end has closed."""
    try:
        header = await reader.readexactly(_HEADER.size)
        return header + await reader.readexactly(_HEADER.unpack(header)[0] - _HEADER.size)
    except (asyncio.IncompleteReadError, OSError):
        return b""


def id_of(message: bytes) -> int:
    return int(_HEADER.unpack_from(message)[1])


def answered_id(message: bytes) -> int:
    """Return the id of the message that this one answers."""
    return int(_HEADER.unpack_from(message)[2])


def body_of(message: bytes) -> dict[str, Any]:
    """Return the command or the answer; empty if the message is of an older kind."""
    if _HEADER.unpack_from(message)[3] != _OP_MSG:
        return {}
    # Behind the flags come sections. The one of kind 0 is the command itself.
    at = _HEADER.size + 4
    while at < len(message):
        kind = message[at]
        [length] = struct.unpack_from("<i", message, at + 1)
        if kind == 0:
            return bson.decode(message[at + 1 : at + 1 + length])
        at += 1 + length
    return {}


def command_of(message: bytes) -> tuple[str, str]:
    """Return the command and its collection; empty if the message is of an older kind."""
    return named(body_of(message))


def named(command: Mapping[str, Any]) -> tuple[str, str]:
    """Return the command's name and its collection, each empty if there is none."""
    name = next(iter(command), "")
    collection = command.get("collection") if name == "getMore" else command.get(name)
    return name, collection if isinstance(collection, str) else ""


def answer(document: Mapping[str, Any], *, to: int) -> bytes:
    """Return the answer to the message with this id."""
    body = struct.pack("<I", 0) + b"\0" + bson.encode(document)
    return _HEADER.pack(_HEADER.size + len(body), 0, to, _OP_MSG) + body
