"""Parameters of a Bot API request, sent as query, urlencoded form, multipart form or JSON."""

import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from bot.demo.bot_api.errors import ApiError, bad_request

UPLOAD_LIMIT_BYTES = 50 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024


class Upload(NamedTuple):
    name: str
    mime: str
    content: bytes


class Params:
    """Parameters by name. A nested object may be given as JSON text or as an object."""

    __slots__ = ("files", "values")

    def __init__(self, values: dict[str, Any], files: dict[str, Upload] | None = None) -> None:
        self.values = values
        self.files = files or {}

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        """Return the parameter as text; empty if it is missing."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            return default

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in {"true", "1", "yes"}

    def json(self, name: str, what: str = "parameter") -> Any:
        """Return the decoded object; None if the parameter is missing."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None

    def objects(self, name: str, what: str) -> list[dict[str, Any]] | None:
        """Return a list of JSON objects; None if the parameter is missing."""
        value = self.json(name, what)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_request(f"expected an Array of {what}")
        return value

    def integers(self, name: str) -> list[int]:
        value = self.json(name, name)
        if not isinstance(value, list) or not value:
            raise bad_request("message identifiers are not specified")
        if len(value) > 100:
            raise bad_request("too many message identifiers specified")
        try:
            return [int(item) for item in value]
        except (TypeError, ValueError):
            raise bad_request("message identifier must be a Number") from None

    def file(self, reference: Any, field: str) -> Upload | str:
        """Return an upload (attach://name, or the part named like the field), or a file_id."""
        if isinstance(reference, str) and reference.startswith("attach://"):
            upload = self.files.get(reference.removeprefix("attach://"))
            if upload is None:
                raise bad_request(f"there is no {field} in the request")
            return upload
        if isinstance(reference, str) and reference:
            return reference
        if field in self.files:
            return self.files[field]
        raise bad_request(f"there is no {field} in the request")


async def read_params(request: web.Request) -> Params:
    """Read a request as the Bot API does; raises ApiError if it cannot be read."""
    values: dict[str, Any] = dict(request.query)
    if request.method != "POST":
        return Params(values)
    content_type = request.content_type
    if content_type.startswith("multipart/"):
        files = await _read_multipart(request, values)
        return Params(values, files)
    body = await request.read()
    if content_type == "application/json":
        try:
            decoded = json.loads(body or b"{}")
        except ValueError:
            raise bad_request("can't parse request JSON object") from None
        if not isinstance(decoded, dict):
            raise bad_request("object expected as request")
        values.update(decoded)
    elif body:
        values.update(parse_qsl(body.decode(), keep_blank_values=True))
    return Params(values)


async def _read_multipart(request: web.Request, values: dict[str, Any]) -> dict[str, Upload]:
    files: dict[str, Upload] = {}
    reader = await request.multipart()
    size = 0
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        content = bytearray()
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            size += len(chunk)
            if size <= UPLOAD_LIMIT_BYTES:  # the rest is read too: the client waits
                content += chunk
        if part.filename is None:
            values[part.name] = content.decode()
        else:
            mime = part.headers.get("Content-Type", "application/octet-stream")
            files[part.name] = Upload(part.filename, mime, bytes(content))
    if size > UPLOAD_LIMIT_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    return files
