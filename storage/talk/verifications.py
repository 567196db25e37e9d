"""An attendant's word on who is writing: in the conversation and in the chat, or in neither."""

from bot.domain.conversation import Chat, ConversationEvent, Identity
from storage.engine.connection import Collection, Database, translated


class Verifications:
    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._conversations: Collection = database["conversations"]
        self._chats: Collection = database["chats"]

    async def store(self, conversation_id: str, chat: Chat, event: ConversationEvent) -> bool:
        """Whether both were as expected: of the chat's registration, and the conversation open and
        not verified. Raises TryLaterError when somebody writes the same at this moment."""
        proof = chat.model_dump(include={"identity", "verified_at", "verified_by", "verifier"})
        conversation = {
            "_id": conversation_id,
            "registration_id": chat.registration_id,
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
                    {"_id": chat.id, "registration_id": chat.registration_id},
                    {"$set": proof},
                    session=session,
                )
                if not (verified.matched_count and linked.matched_count):
                    await session.abort_transaction()
                    return False
        return True
