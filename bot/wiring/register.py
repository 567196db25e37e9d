"""The wiring of the register, as admins reach it in chat, and of the one path into it."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bot.runtime.passwords import Argon2Passwords
from bot.usecases.register.add_registration import AddRegistration
from bot.usecases.register.apply_candidate import ApplyCandidate
from bot.usecases.register.data_subject import Anonymise
from bot.usecases.register.duplicates import ComparePair, FindDuplicates
from bot.usecases.register.edit_registration import (
    EditRegistration,
    RemoveRegistration,
    RestoreRegistration,
)
from bot.usecases.register.show_in_table import ShowInTable
from bot.usecases.register.unite import MoveChats, SeparateRegistrations, UniteRegistrations
from bot.wiring.shared import Shared
from handlers.admin.register.services import RegisterServices
from storage.people.console import ShownSearches
from storage.people.data_subject import DataSubjects
from storage.register.audit import Audit
from storage.register.pairs import Pairs
from storage.register.search import Search
from storage.register.unions import Unions
from storage.talk.conversations import Conversations
from storage.talk.relinking import Relinking
from storage.updates.inbox import Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    handlers: dict[str, object]
    """What the handlers get by name."""
    services: RegisterServices
    apply_candidate: ApplyCandidate
    passwords: Argon2Passwords
    forget_content: Callable[[int], Awaitable[None]]
    """Deletes from the inbox the text of the update with this id."""


def build_register(shared: Shared, *, people: Callable[[], Awaitable[dict[str, str]]]) -> Register:
    """Build it; nothing is started. people: names of the staff by `Provenance.by`."""
    passwords = Argon2Passwords()
    forget_content = partial(Inbox(shared.database).forget_content, shared.bot.id)
    services = _services(shared, passwords, forget_content, people)
    subjects = DataSubjects(shared.database)
    handlers: dict[str, object] = {
        "services": services,
        "data_subjects": subjects,
        "anonymise": Anonymise(
            subjects=subjects, chats=shared.chats, holding=shared.locks.holding, clock=shared.clock
        ),
    }
    return Register(
        handlers=handlers,
        services=services,
        apply_candidate=ApplyCandidate(register=shared.registrations, new_id=_new_id),
        passwords=passwords,
        forget_content=forget_content,
    )


def _services(
    shared: Shared,
    passwords: Argon2Passwords,
    forget_content: Callable[[int], Awaitable[None]],
    people: Callable[[], Awaitable[dict[str, str]]],
) -> RegisterServices:
    database, clock, registrations = shared.database, shared.clock, shared.registrations
    audit, unions = Audit(database), Unions(database)
    move = MoveChats(
        chats=shared.chats, relinking=Relinking(database), holding=shared.locks.holding
    )
    duplicates = FindDuplicates(pairs=Pairs(database), registrations=registrations, clock=clock)
    return RegisterServices(
        registrations=registrations,
        search=Search(database),
        audit=audit,
        add=AddRegistration(register=registrations, clock=clock),
        edit=EditRegistration(register=registrations, audit=audit, clock=clock),
        remove=RemoveRegistration(register=registrations, clock=clock),
        restore=RestoreRegistration(register=registrations, audit=audit, clock=clock),
        duplicates=duplicates,
        compare=ComparePair(
            find=duplicates, conversations=Conversations(database), chats=shared.chats
        ),
        unite=UniteRegistrations(
            registrations=registrations, unions=unions, move=move, clock=clock
        ),
        separate=SeparateRegistrations(
            registrations=registrations, unions=unions, audit=audit, move=move, clock=clock
        ),
        tags=shared.tags,
        departments=shared.departments,
        hash_password=passwords.hash_password,
        forget_content=forget_content,
        people=people,
        show_in_table=_show_in_table(shared),
        has_erp=shared.can_sync,
        timezone=shared.timezone,
        clock=clock,
        new_id=_new_id,
    )


def _show_in_table(shared: Shared) -> ShowInTable | None:
    public_url, searches = shared.settings.public_url, ShownSearches(shared.database)
    if not public_url:
        return None
    return ShowInTable(searches=searches, public_url=public_url, clock=shared.clock)


def _new_id() -> str:
    return secrets.token_hex(16)
