"""The wiring of the customer's chat, from the first word to the open conversation."""

from dataclasses import dataclass
from functools import partial

from bot.domain.privacy_notice import PrivacyNotice
from bot.usecases.customer.arrive import Arrive
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
from bot.wiring.register import Register
from bot.wiring.relaying import Relaying
from bot.wiring.shared import Shared
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
    attending: Attending,
    register: Register,
    *,
    lookup_budget_s: float,
) -> Receiving:
    """Build it; nothing is started."""
    clock, notice = (
        shared.clock,
        PrivacyNotice(shared.settings.privacy_text, shared.settings.privacy_url),
    )
    look_up = LookUp(
        erp=shared.erp,
        registrations=shared.registrations,
        apply=register.apply_candidate,
        clock=clock,
        budget_s=lookup_budget_s,
    )
    arrive = Arrive(
        conversations=shared.conversations, reopen=attending.reopen, notice=notice, clock=clock
    )
    switch_document = SwitchDocument(
        look_up=look_up,
        chats=shared.chats,
        conversations=shared.conversations,
        register_prospect=attending.register_prospect,
        show_card=relaying.show_card,
        holding=shared.locks.holding,
        clock=clock,
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
        "reception": _reception(
            shared, relaying, attending, register, arrive, look_up, switch_document
        ),
        "switch_document": switch_document,
    }
    retry_lookups = RetryLookups(
        chats=shared.chats,
        conversations=shared.conversations,
        registrations=shared.registrations,
        look_up=look_up,
        register_prospect=attending.register_prospect,
        show_card=relaying.show_card,
        holding=shared.locks.holding,
        clock=clock,
    )
    return Receiving(handlers=handlers, retry_lookups=retry_lookups)


def _reception(
    shared: Shared,
    relaying: Relaying,
    attending: Attending,
    register: Register,
    arrive: Arrive,
    look_up: LookUp,
    switch_document: SwitchDocument,
) -> Reception:
    settings, clock, timezone = shared.settings, shared.clock, shared.timezone
    identify = Identify(look_up=look_up, clock=clock, timezone=timezone)
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
        log_in=LogIn(
            passwords=register.passwords,
            tries=LoginTries(shared.database),
            clock=clock,
            timezone=timezone,
        ),
        forget_content=register.forget_content,
        switch_document=switch_document,
        keep=keep,
        set_apart=SetApart(
            conversations=shared.conversations,
            keep=keep,
            show_card=relaying.show_card,
            clock=clock,
        ),
        open_conversation=OpenConversation(
            conversations=shared.conversations,
            show_card=relaying.show_card,
            clock=clock,
            timezone=timezone,
        ),
        sending=relaying.sending,
        departments=shared.departments,
        conversations=shared.conversations,
        office_hours=shared.office_hours,
        privacy_text=settings.privacy_text,
        privacy_url=settings.privacy_url,
        confirm_identity=settings.confirm_identity == "phone",
        portal_login=settings.portal_login,
    )
