"""An attendant's word on a customer's identity, stored in conversation and chat or in neither."""

from bot.domain.conversation import Chat, Conversation, ConversationEvent
from storage.engine.connection import Collection, Database, Document, Session, translated
from storage.engine.transactions import in_transaction
from storage.talk.conversations import PROOF, chat_document


class Verifications:
    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._conversations: Collection = database["conversations"]
        self._chats: Collection = database["chats"]

    async def store(self, seen: Conversation, chat: Chat, event: ConversationEvent) -> bool:
        """Return True if the chat's proof was stored in both.

        seen: the conversation as it was read; its open successor in the chat follows too. False
        unless the chat still belongs to its registration, and the conversation to the same one,
        with the identity that was seen. Raises TryLaterError when another process writes the same
        at this moment.
        """
        stored = chat_document(chat)
        proof = {key: stored.get(key) for key in PROOF}
        registration = {"registration_id": chat.customer.registration_id}
        as_seen: Document = {
            "_id": seen.id,
            **registration,
            "identity": seen.customer.identity,
            "verified_at": seen.customer.verified_at,
            "closed_at": seen.closed_at,
        }

        async def write(session: Session) -> bool:
            changed = await self._conversations.update_one(
                as_seen,
                {"$set": proof, "$push": {"events": event.model_dump()}},
                session=session,
            )
            linked = await self._chats.update_one(
                {"_id": chat.id, **registration}, {"$set": proof}, session=session
            )
            if not (changed.matched_count and linked.matched_count):
                return False
            if not seen.is_open:
                await self._conversations.update_one(
                    {"open_chat": chat.id, **registration}, {"$set": proof}, session=session
                )
            return True

        with translated():
            return await in_transaction(self._client, write)
