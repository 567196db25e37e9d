"""An attendant's verification of a customer, stored in conversation and chat or in neither."""

from typing import Final

from bot.domain.conversation import Chat, ConversationEvent, Identity
from storage.engine.connection import Collection, Database, translated
from storage.talk.conversations import chat_document

_PROOF: Final = ("identity", "verified_at", "verified_by", "verifier")


class Verifications:
    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._conversations: Collection = database["conversations"]
        self._chats: Collection = database["chats"]

    async def store(self, conversation_id: str, chat: Chat, event: ConversationEvent) -> bool:
        """Return True if the verification was stored in both.

        False unless the chat still belongs to its registration, and the conversation belongs to
        the same one, is open and not verified. Raises TryLaterError when another process writes
        the same at this moment.
        """
        stored = chat_document(chat)
        proof = {key: stored[key] for key in _PROOF}
        conversation = {
            "_id": conversation_id,
            "registration_id": chat.customer.registration_id,
            "identity": {"$ne": Identity.VERIFIED},
            "closed_at": None,
        }
        with translated():
            async with (
                await self._client.start_session() as session,
                session.start_transaction(),
            ):
                verified = await self._conversations.update_one(
                    conversation,
                    {"$set": proof, "$push": {"events": event.model_dump()}},
                    session=session,
                )
                linked = await self._chats.update_one(
                    {"_id": chat.id, "registration_id": chat.customer.registration_id},
                    {"$set": proof},
                    session=session,
                )
                if not (verified.matched_count and linked.matched_count):
                    await session.abort_transaction()
                    return False
        return True
