"""All data that is stored about one person: search and redaction."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from pymongo import ReplaceOne
from pymongo.errors import DuplicateKeyError

from bot.domain.audit import AuditEntry
from bot.domain.conversation import Chat, Conversation, EventKind, fingerprint
from bot.domain.data_subject import (
    ANONYMISED_NAME,
    Identifiers,
    StoredUpdate,
    Traces,
    anonymised,
    chat_of,
    conversation_of,
)
from bot.domain.job import ACTIVE, OVER
from bot.domain.registration import Provenance, Registration
from bot.domain.tax_id import TaxId
from storage.engine.connection import Collection, Database, Document, Session, translated
from storage.engine.transactions import in_transaction
from storage.people.redaction import STATE, redacted
from storage.register import audit
from storage.register.documents import (
    provenance_document,
    read_registration,
    registration_document,
)
from storage.register.verify import fault_of
from storage.talk.conversations import Chats, Conversations, Tie
from storage.talk.transcripts import Transcripts

_AT_ONCE: Final = 50
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# An emptied conversation keeps its protocol, times, department and attendants.
_EMPTY_CONVERSATION: Final = {
    "shown_name": ANONYMISED_NAME,
    "phone": None,
    "tax_id": None,
    "registration_id": None,
    "proof": None,
    "other_document": "",
    # The title of the topic, which contains the name.
    "topic_shown": "",
}
# Texts that people wrote, or were asked to confirm.
_EMPTY_OUTGOING: Final = dict.fromkeys(
    ("html", "header", "speaker", "origin", "file", "words", "said_at"), ""
)
_EMPTY_QUESTION: Final = {"note_before": None, "added": None, "done": True}


class DataSubjects:
    """The data of people, over all collections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._client = database.client
        self._registrations: Collection = database["registrations"]
        self._entries: Collection = database["audit"]
        self._chats = Chats(database)
        self._conversations = Conversations(database)
        self._transcripts = Transcripts(database)
        self._stored_chats: Collection = database["chats"]
        self._stored_conversations: Collection = database["conversations"]
        self._inbox: Collection = database["inbox"]
        self._jobs: Collection = database["jobs"]
        self._batches: Collection = database["job_batches"]
        self._meta: Collection = database["meta"]
        self._log = audit.Audit(database)

    async def of_tax_id(self, tax_id: TaxId) -> Traces:
        """Return everything that is stored about the person with this tax id."""
        with translated():
            found = await self._registrations.find_one({"tax_key": tax_id.key})
            deletions = await self._entries.find({"deleted.tax_key": tax_id.key}).to_list(None)
        deleted = [read_registration(one["deleted"]) for one in deletions]
        return await self._traces(tax_id, read_registration(found) if found else None, deleted)

    async def of_handle(self, handle: str) -> Traces | None:
        """Return the traces that have this `Traces.handle`; None if it matches nothing any
        more."""
        chat_id, conversation_id = chat_of(handle), conversation_of(handle)
        if chat_id is None and conversation_id is None:
            return await self.of_registration(handle)
        named: Chat | Conversation | None = None
        if chat_id is not None:
            named = await self._chats.get(chat_id)
        elif conversation_id is not None:
            named = await self._conversations.get(conversation_id)
        tax_id = named.customer.tax_id if named else None
        return await self.of_tax_id(tax_id) if tax_id else None

    async def of_registration(self, registration_id: str) -> Traces | None:
        """Return the traces of one registration, also of a deleted one; None if there are none."""
        document = await self._read(self._registrations, registration_id)
        if document is not None:
            registration = read_registration(document)
            if registration.tax_id:
                return await self.of_tax_id(registration.tax_id)
            return await self._traces(None, registration, [])
        if into := await self._log.united_into(registration_id):
            return await self.of_registration(into)
        entries = await self._log.audit_of(registration_id)
        copy = next((one.deleted for one in entries if one.deleted), None)
        if copy is None:
            # Emptied already, or never stored.
            traces = Traces(tax_id=None, registration=None, entries=tuple(entries))
            return traces if entries else None
        if copy.tax_id:
            return await self.of_tax_id(copy.tax_id)
        return await self._traces(None, None, [copy])

    async def empty_updates(self, traces: Traces) -> None:
        """Empty the updates that were set aside and name the person, or come from the person's
        chats; delete what these chats wrote before a conversation."""
        names = Identifiers(traces)
        chats = {chat.id for chat in traces.chats}
        with translated():
            await self._database["kept_messages"].delete_many({"chat_id": {"$in": sorted(chats)}})
        for document in await self._set_aside():
            text = json.dumps(document.get("payload"), ensure_ascii=False, default=str)
            if _chats_in(document.get("payload")) & chats or names.are_in(text):
                with translated():
                    await self._inbox.update_one(
                        {"_id": document["_id"]}, {"$set": {"payload": {}}}
                    )

    async def empty_reports(self, traces: Traces) -> None:
        """Redact the person in previews and reports of jobs.

        Covers every job that is not active, and the batches of jobs that have written the person's
        registrations.
        """
        names = Identifiers(traces)
        with translated():
            meta = await self._meta.find_one({"_id": "jobs"})
        last = int(meta["last"]) if meta else 0
        for start in range(1, last + 1, _AT_ONCE):
            ids = list(range(start, min(start + _AT_ONCE, last + 1)))
            with translated():
                jobs = await self._jobs.find({"_id": {"$in": ids}}).to_list(None)
            for job in jobs:
                if job["state"] not in ACTIVE:
                    # What waits for a confirmation has to keep what it will do.
                    more = ("bulk_options", "export_options") if job["state"] in OVER else ()
                    fields = ("samples", "to_refuse", "shown_rows", *more)
                    await self._empty(self._jobs, job, fields, names.are_in)
        for job_id in _jobs_of(traces):
            await self._empty_batches(job_id, names)

    async def empty_conversation(self, conversation_id: str) -> None:
        """Empty the conversation: remove the customer and all texts.

        Protocol, times, department and attendants stay. Messages that still wait to be sent, or
        could be sent again, are no longer sent.
        """
        with translated():
            await self._database["outbox"].update_many(
                {"conversation_id": conversation_id},
                {
                    "$unset": _EMPTY_OUTGOING | {"waiting": "", "failed_at": ""},
                    # What ends the mark that is left.
                    "$set": {"done_at": datetime.now(UTC)},
                },
            )
            await self._database["questions"].update_many(
                {"conversation_id": conversation_id}, {"$set": _EMPTY_QUESTION}
            )
            stored = await self._stored_conversations.find_one({"_id": conversation_id})
            if stored is None:
                return
            values = _EMPTY_CONVERSATION | {"events": _without_reasons(stored.get("events", []))}
            if stored.get("transfer"):
                values |= {"transfer.reason": "", "transfer.from_topic_shown": ""}
            await self._stored_conversations.update_one(
                {"_id": conversation_id},
                {"$set": values, "$unset": {"lookup": "", "united_from": ""}},
            )

    async def forget_attempt(self, chat_id: int, tax_id: TaxId) -> None:
        """Delete the mark of this tax id in a chat that belongs to another person by now."""
        with translated():
            await self._stored_chats.update_one(
                {"_id": chat_id}, {"$pull": {"attempts": fingerprint(tax_id)}}
            )

    async def anonymise(
        self, registration_id: str, provenance: Provenance, *, version: int
    ) -> bool:
        """Return True if the registration and its entries no longer show who the person was.

        False when it was changed since `version` (0: when it is deleted). One transaction: all of
        it or nothing.
        """
        found = await self._read(self._registrations, registration_id)
        if (found["version"] if found else 0) != version:
            return False
        fault = await fault_of(self._database, registration_id)
        with translated():
            stored = await self._entries.find({"registration_id": registration_id}).to_list(None)
        if not stored and found is None:
            return False
        chain = redacted(stored)
        was_broken = {"fault": str(fault.fault), "version": fault.version} if fault else None
        document, entry = _after(found, chain, provenance, was_broken)
        await self._log.note([provenance.by])
        writes = [ReplaceOne({"_id": one["_id"]}, one) for one in chain]

        async def write(session: Session) -> bool:
            if document is not None:
                result = await self._registrations.replace_one(
                    {"_id": registration_id, "version": version}, document, session=session
                )
                if not result.matched_count:
                    return False
            if writes:
                await self._entries.bulk_write(writes, session=session)
            await self._entries.insert_one(entry, session=session)
            return True

        with translated():
            try:
                return await in_transaction(self._client, write)
            except DuplicateKeyError:
                return False

    async def record(self, operation: str, provenance: Provenance) -> None:
        """Record that a person without a registration was anonymised; idempotent.

        operation: the button press, which contains nothing about the person.
        """
        key = hashlib.sha256(operation.encode()).hexdigest()[:32]
        document = {"_id": key, "version": 1, "name": ANONYMISED_NAME}
        entry = audit.anonymised(
            document, provenance_document(provenance), previous="", found="", state=STATE
        )
        await self._log.note([provenance.by])
        with translated():
            await self._entries.replace_one({"_id": entry["_id"]}, entry, upsert=True)

    async def _traces(
        self,
        tax_id: TaxId | None,
        registration: Registration | None,
        deleted: Sequence[Registration],
    ) -> Traces:
        if registration is not None:
            there = {one.id for one in deleted}
            united = await self._united(registration)
            deleted = [*deleted, *(one for one in united if one.id not in there)]
        ids = {one.id for one in (registration, *deleted) if one}
        links: list[Tie] = [("registration_id", one) for one in sorted(ids)]
        keys = [tax_id.key] if tax_id else []
        keys += [key for one in (registration, *deleted) if one for key in one.tax_keys]
        links += [("tax_id", key) for key in dict.fromkeys(keys)]
        conversations = await self._conversations.linked(links)
        linked = await self._chats.linked(links)
        served = {one.chat_id for one in conversations} - {chat.id for chat in linked}
        others = [chat for one in sorted(served) if (chat := await self._chats.get(one))]
        former = [chat for chat in others if chat.customer.link == (None, None)]
        said = {one.id: await self._transcripts.of(one.id) for one in conversations}
        entries = [entry for one in sorted(ids) for entry in await self._log.audit_of(one)]
        chats = [*linked, *former]
        return Traces(
            tax_id=tax_id,
            registration=registration,
            deleted=tuple(deleted),
            chats=tuple(chats),
            chats_of_others=tuple(chat for chat in others if chat not in former),
            conversations=tuple(
                sorted(conversations, key=lambda one: one.opened_at, reverse=True)
            ),
            said={key: words for key, words in said.items() if words},
            entries=tuple(_newest_first(entries)),
            updates=tuple(await self._updates({chat.id for chat in chats})),
        )

    async def _united(self, registration: Registration) -> list[Registration]:
        """Return the copies of those that were united into it, and into these."""
        found: list[Registration] = []
        for one in sorted(registration.united):
            entries = await self._log.audit_of(one)
            copy = entries[0].deleted if entries else None
            if copy is not None:
                found += [copy, *await self._united(copy)]
        return found

    async def _read(self, collection: Collection, key: str | int) -> Document | None:
        with translated():
            document: Document | None = await collection.find_one({"_id": key})
        return document

    async def _set_aside(self) -> list[Document]:
        with translated():
            documents: list[Document] = await self._inbox.find(
                {"set_aside_at": {"$gte": _EVER}}
            ).to_list(None)
        return documents

    async def _updates(self, chats: set[int]) -> list[StoredUpdate]:
        found = [one for one in await self._set_aside() if _chats_in(one.get("payload")) & chats]
        waiting: list[Document] = []
        for chat_id in sorted(chats):
            with translated():
                waiting += await self._inbox.find({"pending": str(chat_id)}).to_list(None)
        updates = [
            StoredUpdate(received_at=one["received_at"], is_set_aside=is_set_aside)
            for documents, is_set_aside in ((found, True), (waiting, False))
            for one in documents
        ]
        return sorted(updates, key=lambda one: one.received_at)

    async def _empty_batches(self, job_id: int, names: Identifiers) -> None:
        number = 1
        while True:
            ids = [f"{job_id}:{n}" for n in range(number, number + _AT_ONCE)]
            with translated():
                batches = await self._batches.find({"_id": {"$in": ids}}).to_list(None)
            for batch in batches:
                await self._empty(self._batches, batch, ("refused", "kept"), names.are_in)
            if not batches:
                return
            number += _AT_ONCE

    async def _empty(
        self,
        collection: Collection,
        document: Document,
        fields: Iterable[str],
        tells: Callable[[str], bool],
    ) -> None:
        changed = {
            field: emptied
            for field in fields
            if (emptied := _emptied(document.get(field), tells)) != document.get(field)
        }
        if changed:
            with translated():
                await collection.update_one({"_id": document["_id"]}, {"$set": changed})


def _after(
    found: Document | None,
    chain: Sequence[Document],
    provenance: Provenance,
    was_broken: Document | None,
) -> tuple[Document | None, Document]:
    """Return the registration's document (None when it is deleted), and the entry that ends the
    chain."""
    previous = str(chain[-1].get("hash", STATE)) if chain else STATE
    if found is not None:
        document = registration_document(anonymised(read_registration(found), provenance))
        entry = audit.anonymised(
            document, document["updated"], previous=previous, found=STATE, was_broken=was_broken
        )
        return document | {"seal": entry["hash"]}, entry
    last = chain[-1]
    return None, audit.anonymised(
        {"_id": last["registration_id"], "version": last["version"] + 1, "name": ANONYMISED_NAME},
        provenance_document(provenance),
        previous=previous,
        found=STATE,
        state=STATE,
        was_broken=was_broken,
    )


def _without_reasons(events: Sequence[Document]) -> list[Document]:
    """Return the events without the reasons of transfers.

    A reason can name the person; the actor, the event and its time cannot.
    """
    transferred = str(EventKind.TRANSFERRED)
    return [event | {"detail": ""} if event["what"] == transferred else event for event in events]


def _emptied(value: object, tells: Callable[[str], bool]) -> object:
    """Return the value with `ANONYMISED_NAME` in place of texts that identify the person.

    A change is one unit: if its name identifies the person, the values beside it are removed, too.
    """
    if isinstance(value, str):
        return ANONYMISED_NAME if tells(value) else value
    if isinstance(value, list):
        return [_emptied(item, tells) for item in value]
    if isinstance(value, dict):
        if isinstance(value.get("name"), str) and tells(value["name"]):
            value = value | {key: None for key in ("before", "after") if key in value}
        return {key: _emptied(item, tells) for key, item in value.items()}
    return value


def _jobs_of(traces: Traces) -> list[int]:
    provenances = [entry.provenance for entry in traces.entries]
    provenances += [one.created for one in (traces.registration, *traces.deleted) if one]
    return sorted(
        {
            int(provenance.job)
            for provenance in provenances
            if provenance.job and provenance.job.isdecimal()
        }
    )


def _chats_in(payload: object) -> set[int]:
    """Return the ids of the chat and the sender of an update."""
    found: set[int] = set()
    contents = payload.values() if isinstance(payload, dict) else ()
    for content in contents:
        if not isinstance(content, dict):
            continue
        message = content.get("message")
        below = message.get("chat") if isinstance(message, dict) else None
        for one in (content.get("chat"), content.get("from"), below):
            if isinstance(one, dict) and isinstance(one.get("id"), int):
                found.add(one["id"])
    return found


def _newest_first(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    return sorted(entries, key=lambda one: (one.provenance.at, one.version), reverse=True)
