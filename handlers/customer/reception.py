"""Dependencies of the steps before a conversation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.usecases.attending.office_hours import OfficeHours
from bot.usecases.company.departments import Departments
from bot.usecases.customer.arrive import Arrive
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.customer.identify import Identify
from bot.usecases.customer.identify_conversation import IdentifyConversation, SwitchDocument
from bot.usecases.customer.introduce import ConfirmPhone
from bot.usecases.customer.keep_messages import KeepMessages
from bot.usecases.customer.log_in import LogIn
from bot.usecases.customer.open_conversation import OpenConversation
from bot.usecases.customer.set_apart import SetApart
from bot.usecases.ports import Conversations
from handlers.relay.sending import Sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Use cases and settings of these steps, passed to the handlers by name."""

    chat_of: Callable[[int], CurrentChat]
    arrive: Arrive
    identify: Identify
    confirm_phone: ConfirmPhone
    log_in: LogIn
    forget_content: Callable[[int], Awaitable[None]]
    """Removes the message content of the stored update that has this id."""
    identify_conversation: IdentifyConversation
    switch_document: SwitchDocument
    keep: KeepMessages
    set_apart: SetApart
    open_conversation: OpenConversation
    sending: Sending
    departments: Departments
    conversations: Conversations
    office_hours: OfficeHours
    privacy_text: str
    privacy_url: str
    confirm_identity: bool
    portal_login: bool
    """True if the portal login is offered as a second proof of identity."""
