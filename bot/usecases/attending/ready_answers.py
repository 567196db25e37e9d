"""Use case: find the ready answers of a department, and fill one in for its customer."""

from dataclasses import dataclass

from bot.domain.conversation import Conversation
from bot.domain.ready_answer import ReadyAnswer, fill, name_on, of_department
from bot.usecases.attending.read_card import ReadCard
from bot.usecases.ports import Departments, ReadyAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class UseReadyAnswers:
    answers: ReadyAnswers
    departments: Departments
    read_card: ReadCard

    async def of_conversation(self, conversation: Conversation) -> tuple[ReadyAnswer, ...]:
        """Return the answers that its department has, by word."""
        return of_department(await self.answers.all(), conversation.department_id)

    async def of_group(self, group_id: int) -> tuple[ReadyAnswer, ...] | None:
        """Return the answers of the group's department, or None if the group has none."""
        department = await self.departments.of_group(group_id)
        if department is None:
            return None
        return of_department(await self.answers.all(), department.id)

    async def filled(self, answer: ReadyAnswer, conversation: Conversation) -> str:
        """Return the text for this conversation's customer, as HTML."""
        card = await self.read_card(conversation)
        return fill(answer.html, name=name_on(card), protocol=conversation.protocol)
