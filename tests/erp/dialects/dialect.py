"""A loopback server that speaks the dialect of one ERP; all dialects serve the same people."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from aiohttp import web

from bot.domain.registration import Kind
from erp.adapter import Credentials
from tests.erp.dialects.tokens import MemoryTokens


class Case(StrEnum):
    """The cases that every adapter must handle; the values name the rows of the docs' table."""

    FOUND = "found"
    NOT_FOUND = "not found"
    WRITTEN = "document with spaces or `BR`"
    SEVERAL = "several with one document"
    OTHER_DOCUMENT = "another document than asked for"
    AUTH_REFUSED = "auth refused"
    ERROR_INSIDE = "200 with an error inside"
    HTML = "HTML instead of JSON"
    TIME_OUT = "time-out"
    TOO_MANY = "429"
    UNKNOWN = "any answer that is not known"
    BROKEN_JSON = "broken JSON"
    LIST = "list all"
    SAME_PAGE = "paging that repeats"
    CHANGES = "changed since"


class Meaning(StrEnum):
    """What an answer to a look-up is taken for."""

    NOBODY = "nobody"
    REFUSED = "refused"
    LATER = "later"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it comes, and what it means."""

    status: int
    body: str
    means: Meaning

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body.encode())


def known(status: int, body: Any, means: Meaning) -> Answer:
    """Return a known answer; a body that is no text is sent as JSON."""
    return Answer(
        status, body if isinstance(body, str) else json.dumps(body, ensure_ascii=False), means
    )


class Trouble(StrEnum):
    """The ways in which the server can fail."""

    OTHER_DOCUMENT = "other_document"
    ERROR_INSIDE = "error_inside"
    HTML = "html"
    SLOW = "slow"
    TOO_MANY = "too_many"
    BROKEN_JSON = "broken_json"
    SAME_PAGE = "same_page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One record of the ERP."""

    id: int
    name: str
    document: str
    """The normal form: digits only, or digits and letters in a CNPJ."""
    written: str = ""
    """The document as it is stored in the ERP; if empty, as this ERP usually does."""
    is_active: bool = True
    kind: Kind = Kind.CUSTOMER
    email: str = ""
    mobile: str = ""
    """National digits, such as 49988010002."""
    home: str = ""
    changed: datetime = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


@dataclass
class Dialect(ABC):
    """The base of all dialects: a server that runs while the context is open.

    `people` may be changed while it runs. `trouble` is the current fault; a login never has it.
    `asked` holds the paths of the requests.
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    """Names this dialect if its adapter speaks several."""
    absent: ClassVar[Mapping[Case, str]] = {}
    """Cases that do not exist for this ERP, each with the reason."""

    answers: ClassVar[Sequence[Answer]] = ()
    """The known answers to a look-up, beside those that hold records."""

    notes: ClassVar[str] = ""

    people: list[Person] = field(default_factory=list)
    trouble: Trouble | None = None
    given: Answer | None = None
    """The answer to every request, except logins."""
    asked: list[str] = field(default_factory=list)
    kept: MemoryTokens = field(default_factory=MemoryTokens)
    """The token store, shared by all clients of this server: a refresh token can be used once."""
    url: str = ""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @abstractmethod
    def credentials(self) -> Credentials:
        """Return credentials that this running server accepts."""

    @abstractmethod
    def wrong_credentials(self) -> Credentials:
        """Return credentials that it refuses."""

    @abstractmethod
    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Return the ERP's answer when nothing is wrong."""

    @abstractmethod
    def error_inside(self) -> web.Response:
        """Return an ERP error inside HTTP 200 (or the status that this ERP uses for errors)."""

    def is_login(self, request: web.Request) -> bool:
        """Return True if the request fetches a token."""
        return False

    # Helpers with which the dialects build their answers.

    def having(self, document: str) -> Sequence[Person]:
        """Return the people with this document; with a faulty filter, all others."""
        if self.trouble is Trouble.OTHER_DOCUMENT:
            return [p for p in self.people if p.document != document]
        return [p for p in self.people if p.document == document]

    def part(self, people: Sequence[Person], begin: int, count: int) -> Sequence[Person]:
        """Return the people of one page; with faulty paging, always the first page."""
        if self.trouble is Trouble.SAME_PAGE:
            begin = 0
        return people[begin : begin + count]

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.is_login(request):
            return await self.answer(request)
        if self.given is not None:
            return self.given.response()
        match self.trouble:
            case Trouble.HTML:
                page = "<!DOCTYPE html><html><body>erro interno</body></html>"
                return web.Response(text=page, content_type="text/html")
            case Trouble.SLOW:
                await self._stopping.wait()
                return web.Response(status=503)
            case Trouble.TOO_MANY:
                return web.Response(status=429, headers={"Retry-After": "30"}, text="{}")
            case Trouble.BROKEN_JSON:
                return web.Response(text='{"data": [{"id": 1, "nome": "An')
            case Trouble.ERROR_INSIDE:
                return self.error_inside()
            case _:
                return await self.answer(request)


def as_json(answer: Any, *, status: int = 200) -> web.Response:
    """Return a JSON answer as most ERPs give it."""
    text = json.dumps(answer, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json")


def stored(person: Person) -> str:
    """Return the document as the ERP has it, with punctuation unless the person says otherwise."""
    return person.written or masked(person.document)


def masked(document: str) -> str:
    """Return the document with the punctuation of a CPF or CNPJ."""
    d = document
    if len(d) == 11:
        return f"{d[:3]}.{d[3:6]}.{d[6:9]}-{d[9:]}"
    return f"{d[:2]}.{d[2:5]}.{d[5:8]}/{d[8:12]}-{d[12:]}"
