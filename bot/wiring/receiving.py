"""The wiring of the customer's chat, from the first word to the open conversation."""

from dataclasses import dataclass
from functools import partial

from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.customer.arrive import Arrive
from bot.usecases.customer.call_customer import CallCustomer
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.identify import Identify, LookUp
from bot.usecases.customer.identify_conversation import IdentifyConversation, SwitchDocument
from bot.usecases.customer.introduce import ConfirmPhone
from bot.usecases.customer.keep_messages import KeepMessages
from bot.usecases.customer.leave import Leave
from bot.usecases.customer.log_in import LogIn
from bot.usecases.customer.my_data import ReadMyData
from bot.usecases.customer.open_conversation import OpenConversation
from bot.usecases.customer.renew_notice import RenewNotice
from bot.usecases.customer.retry_lookups import RetryLookups
from bot.usecases.customer.set_apart import SetApart
from bot.wiring.attending import Attending
from bot.wiring.company import Company
from bot.wiring.register import Register
from bot.wiring.relaying import Relaying
from bot.wiring.shared import Shared
from handlers.attendant.members import TelegramProfiles
from handlers.customer.reception import Reception
from storage.people.data_subject import DataSubjects
from storage.people.login_tries import LoginTries
from storage.talk.kept_messages import KeptMessages


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    handlers: dict[str, object]
    """What the handlers get by name."""
    retry_lookups: RetryLookups


def build_receiving(
    shared: Shared,
    relaying: Relaying,
    company: Company,
    attending: Attending,
    register: Register,
    *,
    lookup_budget_s: float,
) -> Receiving:
    """Build it; nothing is started."""
    clock, settings = shared.clock, shared.settings
    notice = PrivacyNotice(settings.privacy_text, settings.privacy_url)
    arrive = Arrive(
        conversations=shared.conversations, reopen=attending.reopen, notice=notice, clock=clock
    )
    look_up = LookUp(
        erp=shared.erp,
        registrations=shared.registrations,
        apply=register.apply_candidate,
        clock=clock,
        budget_s=lookup_budget_s,
    )
    switch_document = _switch_document(shared, relaying, attending, look_up)
    open_conversation = OpenConversation(
        conversations=shared.conversations,
        show_card=relaying.show_card,
        clock=clock,
        timezone=shared.timezone,
    )
    reception = _reception(
        shared, relaying, attending, register, arrive, look_up, switch_document, open_conversation
    )
    handlers: dict[str, object] = {
        "renew_notice": RenewNotice(notice=notice, clock=clock),
        "my_data": ReadMyData(subjects=DataSubjects(shared.database), clock=clock),
        "leave": Leave(
            conversations=shared.conversations,
            kept=KeptMessages(shared.database),
            show_card=relaying.show_card,
            clock=clock,
        ),
        "reception": reception,
        "switch_document": switch_document,
        "call_customer": _call_customer(shared, company, open_conversation),
    }
    retry_lookups = _retry_lookups(shared, relaying, attending, look_up)
    return Receiving(handlers=handlers, retry_lookups=retry_lookups)


def _switch_document(
    shared: Shared, relaying: Relaying, attending: Attending, look_up: LookUp
) -> SwitchDocument:
    return SwitchDocument(
        look_up=look_up,
        chats=shared.chats,
        conversations=shared.conversations,
        register_prospect=attending.register_prospect,
        show_card=relaying.show_card,
        holding=shared.locks.holding,
        clock=shared.clock,
    )


def _call_customer(
    shared: Shared, company: Company, open_conversation: OpenConversation
) -> CallCustomer:
    return CallCustomer(
        chats=shared.chats,
        registrations=shared.registrations,
        conversations=shared.conversations,
        departments=shared.departments,
        open_conversation=open_conversation,
        profiles=TelegramProfiles(shared.bot),
        attends=company.role_of.attends,
        holding=shared.locks.holding,
        clock=shared.clock,
    )


def _retry_lookups(
    shared: Shared, relaying: Relaying, attending: Attending, look_up: LookUp
) -> RetryLookups:
    return RetryLookups(
        chats=shared.chats,
        conversations=shared.conversations,
        registrations=shared.registrations,
        look_up=look_up,
        register_prospect=attending.register_prospect,
        show_card=relaying.show_card,
        holding=shared.locks.holding,
        clock=shared.clock,
    )


def _reception(
    shared: Shared,
    relaying: Relaying,
    attending: Attending,
    register: Register,
    arrive: Arrive,
    look_up: LookUp,
    switch_document: SwitchDocument,
    open_conversation: OpenConversation,
) -> Reception:
    settings, clock = shared.settings, shared.clock
    identify = Identify(look_up=look_up, clock=clock, timezone=shared.timezone)
    confirm_phone = ConfirmPhone(clock=clock)
    keep = KeepMessages(kept=KeptMessages(shared.database), clock=clock)
    return Reception(
        chat_of=partial(
            CurrentChat, chats=shared.chats, registrations=shared.registrations, clock=clock
        ),
        arrive=arrive,
        identify=identify,
        confirm_phone=confirm_phone,
        identify_conversation=IdentifyConversation(
            identify=identify,
            confirm_phone=confirm_phone,
            register_prospect=attending.register_prospect,
            conversations=shared.conversations,
            show_card=relaying.show_card,
            clock=clock,
        ),
        log_in=_log_in(shared, register),
        forget_content=register.forget_content,
        switch_document=switch_document,
        keep=keep,
        set_apart=SetApart(
            conversations=shared.conversations,
            keep=keep,
            show_card=relaying.show_card,
            clock=clock,
        ),
        open_conversation=open_conversation,
        sending=relaying.sending,
        departments=shared.departments,
        conversations=shared.conversations,
        office_hours=shared.office_hours,
        privacy_text=settings.privacy_text,
        privacy_url=settings.privacy_url,
        confirm_identity=settings.confirm_identity == "phone",
        portal_login=settings.portal_login,
    )


def _log_in(shared: Shared, register: Register) -> LogIn:
    return LogIn(
        passwords=register.passwords,
        tries=LoginTries(shared.database),
        clock=shared.clock,
        timezone=shared.timezone,
    )
