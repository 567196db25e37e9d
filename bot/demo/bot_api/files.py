"""Files that people and the bot sent, in memory."""

import itertools
import mimetypes
from dataclasses import dataclass
from typing import Any

from bot.demo.bot_api.errors import bad_request

DOWNLOAD_LIMIT_BYTES = 20 * 1024 * 1024

_FOLDERS = {
    "photo": ("photos", ".jpg"),
    "audio": ("music", ".mp3"),
    "voice": ("voice", ".oga"),
    "video": ("videos", ".mp4"),
    "video_note": ("video_notes", ".mp4"),
    "animation": ("animations", ".mp4"),
    "sticker": ("stickers", ".webp"),
    "document": ("documents", ""),
}
KINDS = frozenset(_FOLDERS)
_DEFAULT_MIME = {
    "photo": "image/jpeg",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "sticker": "image/webp",
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    file_id: str
    unique_id: str
    kind: str
    name: str
    mime: str
    content: bytes
    path: str

    def described(self, *, kind: str, duration: int = 0) -> Any:
        """Return the part of a message that shows this file: a photo, document, voice…"""
        file: dict[str, Any] = {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.content),
        }
        named = {"file_name": self.name, "mime_type": self.mime}
        match kind:
            case "photo":
                small = {**file, "file_size": min(len(self.content), 1500)}
                return [
                    small | {"width": 90, "height": 68},
                    file | {"width": 1280, "height": 960},
                ]
            case "audio":
                return file | named | {"duration": duration}
            case "voice":
                return file | {"mime_type": self.mime, "duration": duration}
            case "video" | "animation":
                return file | named | {"duration": duration, "width": 1280, "height": 720}
            case "video_note":
                return file | {"duration": duration, "length": 240}
            case "sticker":
                shape = {"type": "regular", "is_animated": False, "is_video": False}
                return file | shape | {"width": 512, "height": 512}
            case _:
                return file | named


class Files:
    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._numbers = itertools.count(1)

    def store(self, kind: str, content: bytes, *, name: str = "", mime: str = "") -> StoredFile:
        number = next(self._numbers)
        folder, suffix = _FOLDERS[kind]
        extension = "." + name.rpartition(".")[2] if "." in name else suffix
        if not mime or mime == "application/octet-stream":
            guessed = mimetypes.guess_type(name)[0]
            mime = guessed or _DEFAULT_MIME.get(kind, "application/octet-stream")
        file = StoredFile(
            file_id=f"BQAD-demo-{kind}-{number:06d}",
            unique_id=f"AgAD{number:06d}",
            kind=kind,
            name=name or f"file_{number}{extension}",
            mime=mime,
            content=content,
            path=f"{folder}/file_{number}{extension}",
        )
        self._by_id[file.file_id] = file
        self._by_path[file.path] = file
        return file

    def by_id(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """Return the file at a file_path; None if unknown or too large for a bot to download."""
        file = self._by_path.get(path)
        return file if file is not None and len(file.content) <= DOWNLOAD_LIMIT_BYTES else None

    def to_fetch(self, file_id: str) -> dict[str, Any]:
        """Return the result of getFile; raises ApiError if the file cannot be downloaded."""
        file = self._by_id.get(file_id)
        if file is None:
            raise bad_request("invalid file_id")
        if len(file.content) > DOWNLOAD_LIMIT_BYTES:
            raise bad_request("file is too big")
        return {
            "file_id": file.file_id,
            "file_unique_id": file.unique_id,
            "file_size": len(file.content),
            "file_path": file.path,
        }
