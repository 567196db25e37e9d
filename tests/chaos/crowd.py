"""People at work: customers, attendants who answer them, and an admin who imports a file.

They read what the bot writes and do what it asks for, as people do. Each message that must reach
somebody has a mark of its own.
"""

import asyncio
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from bot.demo.bot_api import BotApiEmulator
from bot.demo.documents import make_cnpj, make_cpf
from bot.demo.ixc.records import Row, customer
from bot.domain.tax_id import TaxId
from handlers.customer import texts
from tests.chaos.telegram import MARK
from tests.flows.conftest import PROTOCOL

Message = dict[str, Any]

GROUP_ID: Final = -1001000000001
ADMIN_ID: Final = 4001
ATTENDANTS: Final = (4002, 4003)
SECRET: Final = "segredo muito particular"
"""In every text that people write: it must never reach a log."""
SURNAME: Final = "Particularíssimo"
_FIRST_CUSTOMER: Final = 6000
_ROWS: Final = 60
_READS_S: Final = 1.0
"""An attendant reads a message before answering it."""
_LOOKS_S: Final = 2.0
"""An admin whose screen does not change looks at it again after this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One message of a person that has to reach the other side, or be told of."""

    mark: str
    author: int
    chat_id: int
    message_id: int
    to: int
    """The chat where it belongs."""
    conversation: int
    """The customer whose conversation it is in."""
    kind: str
    corrects: str = ""
    """The mark of the text that this edit replaced."""


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    tax_id: TaxId
    is_in_erp: bool

    @property
    def id(self) -> int:
        return _FIRST_CUSTOMER + self.number

    @property
    def phone(self) -> str:
        return f"+5549991{self.number:06d}"

    @property
    def name(self) -> str:
        return f"Zulmira {SURNAME} {chr(65 + self.number % 26)}"

    @property
    def row(self) -> Row:
        phone = self.phone.removeprefix("+55")
        return customer(8000 + self.number, self.name, self.tax_id.masked, telefone_celular=phone)


def people(count: int) -> tuple[Person, ...]:
    """Return customers; the ERP knows every second one, and every third one is a company."""
    return tuple(
        Person(
            number,
            make_cnpj(f"7312{number:04}0001")
            if number % 3 == 2
            else make_cpf(731_000_000 + number),
            number % 2 == 0,
        )
        for number in range(count)
    )


IMPORTED: Final = tuple(make_cpf(812_000_000 + 7 * number) for number in range(_ROWS))
FILE: Final = "Nome;cpfCnpj;celular;tipoRegistro\n" + "".join(
    f"Importado {SURNAME} {number};{tax_id.masked};(11) 98765-{4000 + number};cliente\n"
    for number, tax_id in enumerate(IMPORTED)
)


class Crowd:
    """Everybody, and what they have written."""

    def __init__(self, telegram: BotApiEmulator, *, seed: int, is_forum: bool, size: int) -> None:
        self.telegram = telegram
        self.is_forum = is_forum
        self.people = people(size)
        self.words: list[Word] = []
        self.marks: dict[tuple[int, int], str] = {}
        """The mark of each message, by its chat and id."""
        self.waits: dict[int, str] = {}
        """What each person who is not done waits for."""
        self.answering = 0
        """Answers that are being written."""
        self._draw = random.Random(seed)  # noqa: S311 - a crowd that can be had again
        self._numbers = itertools.count(100)
        for user_id, name in ((ADMIN_ID, "Dora"), (4002, "Bia"), (4003, "Caio")):
            telegram.add_user(user_id, name, started=True)
        telegram.add_group(
            GROUP_ID,
            "Atendimento",
            members=(ADMIN_ID, *ATTENDANTS),
            bot="administrator",
            forum=is_forum,
        )
        for person in self.people:
            telegram.add_user(person.id, f"Fulano {person.number}", SURNAME, phone=person.phone)

    async def work(self, seconds: float, *, each: int) -> None:
        """Write for so long, `each` messages per customer; return when all are done."""
        answering = asyncio.create_task(self._answer())
        try:
            await asyncio.gather(
                self._import(), *(self._customer(one, seconds, each) for one in self.people)
            )
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    def from_bot(self, chat_id: int) -> list[Message]:
        return [m for m in self.telegram.messages(chat_id) if m["from"]["is_bot"]]

    async def _customer(self, person: Person, seconds: float, each: int) -> None:
        began = asyncio.get_running_loop().time()
        times = sorted(self._draw.uniform(0, seconds) for _ in range(each))
        await self._at(began + times[0] / 3)
        await self.is_in_conversation(person)
        for moment in times:
            await self._at(began + moment)
            kinds = ("text", "text", "text", "photo", "sticker", "edit")
            self._write(person, self._draw.choice(kinds))
        self.waits.pop(person.id)

    async def _at(self, moment: float) -> None:
        await asyncio.sleep(max(0.05, moment - asyncio.get_running_loop().time()))

    async def is_in_conversation(self, person: Person) -> None:
        """Say hello, and answer what the bot asks, each question once, until it gives the
        protocol."""
        self.telegram.send_text(person.id, person.id, "oi")
        asked: set[str] = set()
        last, last_question = 0, ""
        self.waits[person.id] = "the greeting"
        while True:
            for message in self.from_bot(person.id):
                if message["message_id"] <= last:
                    continue
                last = message["message_id"]
                said = str(message.get("text", ""))
                if PROTOCOL.search(said):
                    self.waits[person.id] = "nothing"
                    return
                if said == texts.SOMETHING_WENT_WRONG:
                    # It asks to send the last message again.
                    self._reply_to_question(person, last_question)
                for question, words in _QUESTIONS.items():
                    if words in said and question not in asked:
                        asked.add(question)
                        last_question = question
                        self.waits[person.id] = f"what follows {question}"
                        self._reply_to_question(person, question)
            await self.telegram.changes.waiter()

    def _reply_to_question(self, person: Person, question: str) -> None:
        match question:
            case "tax id":
                self.telegram.send_text(person.id, person.id, f"é {person.tax_id.masked}, ok?")
            case "phone" if person.is_in_erp:
                self.telegram.send_contact(person.id, person.id)
            case "phone":
                self.telegram.send_text(person.id, person.id, texts.SKIP)
            case "name" | "company":
                self.telegram.send_text(person.id, person.id, person.name)
            case _:
                self.telegram.send_text(person.id, person.id, "oi")

    def _write(self, person: Person, kind: str) -> None:
        mark, chat = f"k{next(self._numbers)}k", person.id
        said, corrects = f"{mark} {SECRET}", ""
        own = [w for w in self.words if w.author == person.id and w.kind == "text"]
        if kind == "edit" and not own:
            kind = "text"
        match kind:
            case "text":
                message = self.telegram.send_text(chat, chat, said)
            case "edit":
                corrects = self.marks[chat, own[-1].message_id]
                message = self.telegram.edit_text(chat, chat, own[-1].message_id, said)
            case "photo":
                message = self.telegram.send_file(chat, chat, kind, mark.encode(), caption=said)
            case _:
                message = self.telegram.send_file(chat, chat, kind, mark.encode())
        self._note(
            Word(
                mark=mark,
                author=chat,
                chat_id=chat,
                message_id=message["message_id"],
                to=GROUP_ID,
                conversation=chat,
                kind=kind,
                corrects=corrects,
            )
        )

    def _note(self, word: Word) -> None:
        self.words.append(word)
        self.marks[word.chat_id, word.message_id] = word.mark

    async def _answer(self) -> None:
        """Answer every second message of a customer that appears in the group, a moment after."""
        known: set[str] = set()
        of = {}
        loop = asyncio.get_running_loop()
        while True:
            of |= {word.mark: word for word in self.words if word.to == GROUP_ID}
            for message in self.from_bot(GROUP_ID):
                for mark in marks_in(message):
                    if mark in known or mark not in of:
                        continue
                    known.add(mark)
                    if self._draw.random() < 0.5:
                        answer = partial(self._answer_one, message, of[mark].author)
                        self.answering += 1
                        loop.call_later(_READS_S, answer)
            await self.telegram.changes.waiter()

    def _answer_one(self, message: Message, customer_id: int) -> None:
        self.answering -= 1
        mark, attendant = f"k{next(self._numbers)}k", self._draw.choice(ATTENDANTS)
        thread = message.get("message_thread_id") if self.is_forum else None
        sent = self.telegram.send_text(
            attendant,
            GROUP_ID,
            f"{mark} resposta, {SECRET}",
            reply_to=None if thread else message["message_id"],
            thread_id=thread,
        )
        self._note(
            Word(
                mark=mark,
                author=attendant,
                chat_id=GROUP_ID,
                message_id=sent["message_id"],
                to=customer_id,
                conversation=customer_id,
                kind="answer",
            )
        )

    async def _import(self) -> None:
        """Send a file, have it checked, and confirm; press again when nothing changes."""
        sent = 0
        while not self.is_imported:
            if sent <= self._asked_again:
                sent += 1
                self.waits[ADMIN_ID] = "the screen of the file"
                self.telegram.send_file(
                    ADMIN_ID, ADMIN_ID, "document", FILE.encode("cp1252"), name="clientes.csv"
                )
            elif (found := self._button()) is not None:
                message_id, button = found
                self.waits[ADMIN_ID] = f"what follows {button!r}"
                self.telegram.press(ADMIN_ID, ADMIN_ID, message_id, text=button)
            await asyncio.sleep(_LOOKS_S)
        del self.waits[ADMIN_ID]

    @property
    def is_imported(self) -> bool:
        return any("Importação concluída" in str(m.get("text")) for m in self.from_bot(ADMIN_ID))

    @property
    def _asked_again(self) -> int:
        """How often the admin was asked to send the file again."""
        said = [str(m.get("text")) for m in self.from_bot(ADMIN_ID)]
        return sum("Envie outra vez" in text for text in said)

    def _button(self) -> tuple[int, str] | None:
        """Return the button of the newest screen that leads on, with its message."""
        screens = [m for m in self.from_bot(ADMIN_ID) if "reply_markup" in m]
        if not screens:
            return None
        found = [b for b in _buttons(screens[-1]) if any(words in b for words in _LEADS_ON)]
        return (screens[-1]["message_id"], found[0]) if found else None


_QUESTIONS: Final[Mapping[str, str]] = {
    "tax id": "envie seu CPF",
    "phone": "confirmar que é você",
    "name": texts.ASK_NAME,
    "company": texts.ASK_COMPANY,
}
_LEADS_ON: Final = ("Conferir arquivo", "✅ Importar")


def marks_in(message: Message) -> Sequence[str]:
    return MARK.findall(str(message.get("text") or message.get("caption") or ""))


def _buttons(message: Message) -> Iterator[str]:
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        yield from (button["text"] for button in row)
