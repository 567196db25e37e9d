"""Conversations of registrations that are united into another one, or separated again.

Each keeps in `united_from` the registrations that it was linked to, so that a union is undone for
exactly those that it moved.
"""

from typing import Final

from pymongo import UpdateOne

from storage.engine.connection import Collection, Database, Document, translated

_AT_ONCE: Final = 200
# The card is drawn again: it shows another registration.
_CARD_UNKNOWN: Final = {"card_version": None}


class Relinking:
    def __init__(self, database: Database) -> None:
        self._conversations: Collection = database["conversations"]

    async def to_united(self, registration_id: str, into: str) -> None:
        """Link the conversations of the registration to the one that it was united into."""
        change: Document = {
            "$set": {"registration_id": into, **_CARD_UNKNOWN},
            "$push": {"united_from": registration_id},
        }
        await self._change(registration_id, change, before=None)

    async def back(self, registration_id: str, united_into: str) -> None:
        """Link those again that were linked to the registration before the union."""
        change: Document = {
            "$set": {"registration_id": registration_id, **_CARD_UNKNOWN},
            "$pop": {"united_from": 1},
        }
        await self._change(united_into, change, before=registration_id)

    async def _change(self, linked_to: str, change: Document, *, before: str | None) -> None:
        with translated():
            found = await self._conversations.find(
                {"registration_id": linked_to}, {"united_from": 1}
            ).to_list(None)
            ids = [
                one["_id"]
                for one in found
                if before is None or one.get("united_from", [])[-1:] == [before]
            ]
            # By id: each is moved once, in a repetition too.
            for start in range(0, len(ids), _AT_ONCE):
                await self._conversations.bulk_write(
                    [
                        UpdateOne({"_id": one, "registration_id": linked_to}, change)
                        for one in ids[start : start + _AT_ONCE]
                    ],
                    ordered=False,
                )
