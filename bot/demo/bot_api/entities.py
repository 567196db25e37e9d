"""Parser of Telegram's HTML into text and entities; also detects the entities a server adds.

Offsets and lengths are UTF-16 code units, as everywhere in the Bot API. The rules and the error
texts are those of TDLib's HTML parse mode.
"""

import re
from html import unescape
from typing import Any, NamedTuple

from bot.demo.bot_api.errors import bad_request

Entity = dict[str, Any]

_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
_TAG_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(
    r"""\s*(?P<name>[^\s=>/"']+)\s*(?:=\s*(?:"(?P<dq>[^"]*)"|'(?P<sq>[^']*)'|(?P<bare>[\w.-]*)))?"""
)
_CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_LINKED_USER = re.compile(r"tg://user\?id=(\d+)")
_FOUND_BY_SERVER = re.compile(
    r"(?P<url>(?:https?://|www\.)[^\s<>\"]+|\b(?:[a-z0-9-]+\.)+(?:com|net|org|br|io|me)\b(?:/[^\s<>\"]*)?)"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w@])(?P<mention>@[A-Za-z]\w{3,31})"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)(?![\w/])"
    r"|(?<!\w)(?P<hashtag>\#\w*[^\W\d]\w*)"
)
_NO_DETECTION_INSIDE = {"code", "pre", "text_link"}


class _Open(NamedTuple):
    tag: str
    argument: str
    offset: int
    length_before: int


def utf16_length(text: str) -> int:
    if text.isascii():
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return text and entities from Telegram's HTML subset.

    Raises ApiError 400 "can't parse entities: …" exactly where Telegram would.
    """
    if "<" not in source and "&" not in source:
        return source, []
    parts: list[str] = []
    offset = 0
    length = 0
    entities: list[Entity] = []
    opened: list[_Open] = []
    position = 0
    while position < len(source):
        start = source.find("<", position)
        chunk = source[position : start if start >= 0 else len(source)]
        if chunk:
            plain = _CHARACTER.sub(lambda match: unescape(match[0]), chunk)
            parts.append(plain)
            offset += utf16_length(plain)
            length += len(plain)
        if start < 0:
            break
        if source.startswith("</", start):
            position = _close(source, start, opened, entities, offset, parts)
        else:
            tag, argument, position = _open(source, start)
            opened.append(_Open(tag, argument, offset, len(parts)))
    if opened:
        raise _cannot_parse(f'Can\'t find end tag corresponding to start tag "{opened[-1].tag}"')
    entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return "".join(parts), entities


def trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Strip surrounding white space as the server does, and shift the entities."""
    right = text.rstrip()
    plain = right.lstrip()
    if len(plain) == len(text) or not entities:
        return plain, entities
    cut = utf16_length(right) - utf16_length(plain)
    end = utf16_length(plain)
    kept = []
    for entity in entities:
        first = max(entity["offset"] - cut, 0)
        last = min(entity["offset"] + entity["length"] - cut, end)
        if last > first:
            kept.append({**entity, "offset": first, "length": last - first})
    return plain, kept


def add_detected(text: str, entities: list[Entity]) -> list[Entity]:
    """Return the entities plus the links, e-mails, mentions, commands and hashtags in the text."""
    if not any(mark in text for mark in "@/#."):
        return entities
    taken = [
        (entity["offset"], entity["offset"] + entity["length"])
        for entity in entities
        if entity["type"] in _NO_DETECTION_INSIDE
    ]
    found: list[Entity] = []
    for match in _FOUND_BY_SERVER.finditer(text):
        kind = match.lastgroup or "url"
        value = match[0].rstrip(".,;:!?)") if kind == "url" else match[0]
        begin = utf16_length(text[: match.start()])
        size = utf16_length(value)
        if not any(begin < last and first < begin + size for first, last in taken):
            found.append({"type": kind, "offset": begin, "length": size})
    if not found:
        return entities
    return sorted([*entities, *found], key=lambda entity: (entity["offset"], -entity["length"]))


def _open(source: str, start: int) -> tuple[str, str, int]:
    """Read a start tag; return its name, its only relevant argument and the position after it."""
    name_match = _TAG_NAME.match(source, start + 1)
    assert name_match is not None  # noqa: S101 - the pattern also matches nothing
    position = name_match.end()
    at = _byte_offset(source, start)
    if position >= len(source):
        raise _cannot_parse(f"Unclosed start tag at byte offset {at}")
    tag = name_match[0].lower()
    if tag not in _TYPES:
        raise _cannot_parse(f'Unsupported start tag "{tag}" at byte offset {at}')
    argument = ""
    while True:
        while position < len(source) and source[position].isspace():
            position += 1
        if position >= len(source):
            raise _cannot_parse(f'Unclosed start tag "{tag}" at byte offset {at}')
        if source[position] == ">":
            break
        attribute = _ATTRIBUTE.match(source, position)
        if attribute is None:
            raise _cannot_parse(f'Empty attribute name in the tag "{tag}" at byte offset {at}')
        position = attribute.end()
        value = unescape(attribute["dq"] or attribute["sq"] or attribute["bare"] or "")
        argument = _argument(tag, attribute["name"], value) or argument
    if tag == "span" and argument != "spoiler":
        raise _cannot_parse(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    return tag, argument, position + 1


def _argument(tag: str, name: str, value: str) -> str:
    match tag, name:
        case ("a", "href") | ("tg-emoji", "emoji-id"):
            return value
        case "code", "class" if value.startswith("language-"):
            return value.removeprefix("language-")
        case "span", "class" if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case "blockquote", "expandable":
            return "expandable"
        case _:
            return ""


def _close(
    source: str,
    start: int,
    opened: list[_Open],
    entities: list[Entity],
    offset: int,
    parts: list[str],
) -> int:
    """Read an end tag and store its entity; return the position after it."""
    at = _byte_offset(source, start)
    if not opened:
        raise _cannot_parse(f"Unexpected end tag at byte offset {at}")
    end = source.find(">", start)
    name = source[start + 2 : end].strip().lower() if end >= 0 else ""
    if end < 0 or any(character.isspace() for character in name):
        raise _cannot_parse(f"Unclosed end tag at byte offset {at}")
    last = opened.pop()
    if name and name != last.tag:
        raise _cannot_parse(
            f'Unmatched end tag at byte offset {at}, expected "</{last.tag}>", found "</{name}>"'
        )
    if offset > last.offset:
        inner = "".join(parts[last.length_before :])
        _keep(last, offset - last.offset, inner, entities)
    return end + 1


def _keep(last: _Open, length: int, inner: str, entities: list[Entity]) -> None:
    entity: Entity = {"type": _TYPES[last.tag], "offset": last.offset, "length": length}
    previous = entities[-1] if entities else {}
    covers_previous = previous.get("offset") == last.offset and previous.get("length") == length
    match last.tag:
        case "a":
            url = last.argument or inner
            if linked := _LINKED_USER.fullmatch(url):
                entity |= {"type": "text_mention", "user": {"id": int(linked[1])}}
            elif "." in url or "://" in url:
                entity["url"] = url if "://" in url else f"http://{url}/"
            else:
                return
        case "pre" if covers_previous and previous["type"] == "code":
            entities.pop()
            if previous.get("language"):
                entity["language"] = previous["language"]
        case "code" if last.argument:
            entity["language"] = last.argument
        case "blockquote" if last.argument:
            entity["type"] = "expandable_blockquote"
        case "tg-emoji":
            entity["custom_emoji_id"] = last.argument
    entities.append(entity)


def without_code_language(entities: list[Entity]) -> list[Entity]:
    """Remove the language from code entities: only a pre entity may have one."""
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return entities


def _byte_offset(source: str, position: int) -> int:
    return len(source[:position].encode())


def _cannot_parse(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")
