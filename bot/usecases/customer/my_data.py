"""Use case: show a customer the data stored about him."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.conversation import Chat
from bot.domain.data_subject import Traces
from bot.usecases.customer.current_chat import CurrentChat
from bot.usecases.ports import DataSubjects


@dataclass(frozen=True, slots=True)
class MyData:
    chat: Chat
    traces: Traces
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMyData:
    subjects: DataSubjects
    clock: Callable[[], datetime]

    async def __call__(self, current: CurrentChat) -> MyData | None:
        """Return the data of a verified customer; None reveals nothing about the document."""
        registration = await current.verified()
        if registration is None:
            return None
        traces = await self.subjects.of_registration(registration.id)
        if traces is None or traces.registration is None:
            return None
        if traces.registration.id != registration.id:
            # Deleted since: the document has a new registration, not the one that was verified.
            return None
        return MyData(await current.get(), traces, self.clock())
