"""Sessions of the console, and searches that a button in chat opens there."""

import hashlib
from datetime import datetime

from pymongo import ReplaceOne

from bot.domain.console import Session
from bot.domain.search import Query, query_data, read_query
from storage.engine.batching import FindOne, Write
from storage.engine.connection import Collection, Database, translated
from storage.engine.repeating import insert_once


class ConsoleSessions:
    """Sessions by the launch that opened them, so that each opens one; tokens are kept hashed."""

    def __init__(self, database: Database) -> None:
        self._sessions: Collection = database["console_sessions"]

    async def add(self, session: Session, *, token: str, signature: str) -> bool:
        """Return False if the launch with this signature has opened one before."""
        document = {
            "_id": _hashed(signature),
            "token": _hashed(token),
            "user_id": session.user_id,
            "ends_at": session.ends_at,
        }
        with translated():
            return await insert_once(self._sessions, document)

    async def get(self, token: str) -> Session | None:
        with translated():
            found = await self._sessions.find_one({"token": _hashed(token)})
        return Session(user_id=found["user_id"], ends_at=found["ends_at"]) if found else None


class ShownSearches:
    """Searches in chat by the key in their button's address; each belongs to one admin."""

    def __init__(self, database: Database) -> None:
        searches: Collection = database["console_searches"]
        self._find = FindOne(searches)
        self._write = Write(searches)

    async def put(self, key: str, query: Query, *, user_id: int, ends_at: datetime) -> None:
        document = {
            "_id": key,
            "user_id": user_id,
            "search": query_data(query),
            "ends_at": ends_at,
        }
        await self._write(ReplaceOne({"_id": key}, document, upsert=True))

    async def get(self, key: str, *, user_id: int, now: datetime) -> Query | None:
        """Return the search, unless it is another user's or has ended."""
        found = await self._find(key)
        if not found or found["user_id"] != user_id or found["ends_at"] <= now:
            return None
        return read_query(found["search"])


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
