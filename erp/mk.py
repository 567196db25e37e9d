"""The adapter for MK Solutions (MK30): finds customers by document and lists them.

Source: the vendor's wiki (mkloud.atlassian.net, "APIs gerais") and public clients of the API. It
documents neither suppliers, trade names nor the time of change. The URL of every request contains
the token and the document, so no URL may ever get into an error or a log.

There is a filter by day of change, but it is not used: an operator got the same quarter of all
customers for every day, so changes would be missed without an error.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.registration import Kind, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer, MaybeExpiredError
from erp.client import Limits, Reader, read_root
from erp.fields import Fields, Row, Text, mapping, one_candidate, rows_in
from erp.login import Login
from erp.paging import Cursor
from erp.records import Record, check_brazilian, phones_in, read_rows

NAME: Final = "mk"
FACTS: Final = Facts(name=NAME, title="MK Solutions", lists_all=True, lists_changes=False)
# Known clients wait for 90 to 120 seconds. Two requests at once, so that a look-up need not wait
# for a range.
LIMITS: Final = Limits(read_s=90.0, attempt_s=120.0, total_s=150.0, concurrency=2)
_LOGIN: Final = "mk/WSAutenticacao.rule"
_DOCUMENT: Final = "mk/WSMKConsultaDoc.rule"
_CUSTOMERS: Final = "mk/WSMKConsultaClientes.rule"
_SYSTEM: Final = "MK0"
_ALL_SERVICES: Final = "9999"
# MK drops the end of longer ranges.
_RANGE: Final = 500
_EMPTY_RANGES: Final = 3
# More registrations than any company keeps of one document; limited, as each costs a request.
_SAME_DOCUMENT: Final = 30
_NOT_FOUND: Final = "003"
_NOBODY: Final = re.compile(r"(documento|cliente|pessoa|cadastro)s? n[aã]o (localizad|encontrad)")
# A login is refused for what these words are about; any other error of it is unknown.
_LOGIN_WORDS: Final = re.compile(r"senha|token|usu[aá]rio|autoriza|permiss")
_NO_PARAMETER: Final = "004"
_STATUS: Final = {"ativo": Status.ACTIVE, "inativo": Status.INACTIVE}
_Answer = TypeVar("_Answer")


class Mk:
    """The MK of one company.

    The URL may be that of any page under /mk; the token is that of MK's user, and the password is
    the "contra-senha" of the web service profile.
    """

    def __init__(self, at: Connection) -> None:
        at.credentials.require(NAME, "url", "token", "password")
        self._credentials = at.credentials
        self._client = at.client(NAME, read_root(at.credentials.url, "/mk/"))
        self._login = Login(self._log_in)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all registrations that have it."""
        check_brazilian(NAME, tax_id)
        label = f"ERP {NAME} documento"
        answer = await self._get(_DOCUMENT, {"doc": tax_id.number}, _found, what="documento")
        records: list[ErpRecord] = []
        for row in answer:
            # This answer contains no document, so it proves nothing yet.
            rows = await self._customers({"cd_cliente": row.id or ""}, what="cliente")
            records += [known.to_record() for known in rows or [row]]
        return one_candidate(label, tax_id, records)

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Return the customers of one range of codes; it may be empty although more follow."""
        if since is not None:
            raise RefusedError(f"ERP {NAME}: no list of changes: MK's own is not reliable")
        label = f"ERP {NAME} clientes"
        at = _Cursor.read(cursor)
        asked = {
            "cd_cliente_inicio": str(at.begin),
            "cd_cliente_fim": str(at.begin + _RANGE - 1),
        }
        rows = await self._customers(asked, what="clientes")
        codes = [code for row in rows if (code := row.code()) is not None]
        if rows and not codes:
            raise UnreadableError(f"{label}: not the fields we know")
        if any(not at.begin <= code < at.begin + _RANGE for code in codes):
            raise UnreadableError(f"{label}: other codes than asked for came, or the same again")
        following: _Cursor | None = _Cursor(at.begin + _RANGE, 0 if rows else at.empty + 1)
        if following and following.empty >= _EMPTY_RANGES:
            following = await self._beyond(following.begin)
        return ErpPage(
            records=[row.to_record() for row in rows], next=str(following) if following else None
        )

    async def probe(self) -> None:
        """Check that MK answers, accepts the login and lists customers."""
        await self._customers({"cd_cliente_inicio": "1", "cd_cliente_fim": "1"}, what="probe")

    async def _beyond(self, begin: int) -> "_Cursor | None":
        """Return the cursor at which codes continue after a gap, as imports leave it; None at the
        end."""
        rows = await self._customers({"cd_cliente_inicio": str(begin)}, what="clientes")
        codes = [code for row in rows if (code := row.code()) is not None and code >= begin]
        return _Cursor(min(codes)) if codes else None

    async def _customers(self, asked: Mapping[str, str], *, what: str) -> Sequence["_CustomerRow"]:
        return await self._get(_CUSTOMERS, asked, _listed, what=what)

    async def _get(
        self, path: str, asked: Mapping[str, str], read: Reader[_Answer], *, what: str
    ) -> _Answer:
        return await self._login.call(
            lambda token: self._client.request(
                "GET",
                path,
                what=what,
                is_read=True,
                params={"sys": _SYSTEM, "token": token, **asked},
                read=read,
            )
        )

    async def _log_in(self) -> str:
        # The time at which the token expires is ignored: MK has a clock and a zone of its own, and
        # a profile can limit the uses of a token. A refusal shows that it has expired.
        own = self._credentials
        return await self._client.request(
            "GET",
            _LOGIN,
            what="login",
            is_read=True,
            params={
                "sys": _SYSTEM,
                "token": own.token.get_secret_value().strip(),
                "password": own.password.get_secret_value(),
                "cd_servico": _ALL_SERVICES,
            },
            read=_token,
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=Mk, limits=LIMITS)


@dataclass(frozen=True, slots=True)
class _Cursor(Cursor):
    begin: int = 1
    """First code of a range."""
    empty: int = 0
    """Number of ranges in a row before it that were empty."""


def _repaired(value: object) -> object:
    # Decodes bytes of UTF-8 that were read as one letter each; other texts stay as they are.
    if isinstance(value, str) and not value.isascii():
        try:
            return value.encode("latin-1").decode()
        except UnicodeError:
            return value
    return value


_Repaired = Annotated[Text, BeforeValidator(_repaired)]


class _AnswerStatus(Row):
    """The status of an answer; the names of its fields vary with MK's version."""

    status: _Repaired = None
    message: _Repaired = Field(None, validation_alias=AliasChoices("Mensagem", "mensagem"))
    error: _Repaired = Field(None, validation_alias=AliasChoices("Num. ERRO", "CODIGO_ERRO"))
    token: _Repaired = Field(
        None, validation_alias=AliasChoices("Token", "tokenRetornoAutenticacao")
    )

    def is_ok(self) -> bool:
        return (self.status or "").upper() == "OK"

    def code(self) -> str:
        return (self.error or "").strip().zfill(3)

    def is_nobody(self) -> bool:
        """Return True if the answer says that no customer was found."""
        text = (self.message or "").casefold()
        # "Token não localizado" has the same words, and the code for it is not documented.
        return bool(_NOBODY.search(text)) or (not text and self.code() == _NOT_FOUND)


class _CustomerRow(Record):
    """A customer, in full or as the look-up gives it, which lacks the document."""

    id: _Repaired = Field(None, alias="CodigoPessoa")
    CPF_CNPJ: _Repaired = None
    Nome: _Repaired = None
    Email: _Repaired = None
    Fone: _Repaired = None
    Situacao: _Repaired = None

    def code(self) -> int | None:
        """Return the customer's code, by which ranges are requested; None if it is no number."""
        text = (self.id or "").strip()
        return int(text) if text.isdecimal() else None

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.CPF_CNPJ or "",
            kind=Kind.CUSTOMER,
            # The status of the registration; it does not show if a contract is active.
            status=_STATUS.get((self.Situacao or "").strip().casefold()),
            names=(self.Nome,),
            phones=phones_in(self.Fone),
            phone_texts=(self.Fone,),
            email=self.Email,
        )


def _document(answer: HttpAnswer) -> object:
    if answer.status == 403:
        raise MaybeExpiredError(f"{answer.label}: HTTP 403")
    if answer.status == 404:
        raise RefusedError(
            f"{answer.label}: HTTP 404: a wrong URL, or MK's version lacks this service"
        )
    answer.check()
    # Neither UTF-8 nor Latin-1, as its header says: a letter comes as one raw byte of UTF-8 and
    # the rest escaped. Read as Latin-1 nothing is lost, and `_repaired` joins the bytes of each
    # letter.
    return replace(answer, body=answer.body.decode("latin-1").encode()).parse()


def _token(answer: HttpAnswer) -> str:
    said = _AnswerStatus.model_validate(mapping(answer.label, _document(answer)))
    if said.status is not None and not said.is_ok():
        if _LOGIN_WORDS.search((said.message or "").casefold()):
            raise RefusedError(
                f"{answer.label}: token or contra-senha not accepted, or not from here"
            )
        raise UnknownRefusalError(f"{answer.label}: an error in place of a token")
    if not said.token:
        raise UnreadableError(f"{answer.label}: no token in the answer")
    return said.token


def _found(answer: HttpAnswer) -> Sequence[_CustomerRow]:
    """Return the registrations with the requested document; empty when MK says that there are
    none."""
    label = answer.label
    fields = mapping(label, _document(answer))
    if _is_nobody(label, fields):
        return []
    others = fields.get("Outros")
    rows = [fields, *(rows_in(label, others) if isinstance(others, list) else ())]
    by_id = {row.id: row for row in map(_CustomerRow.model_validate, rows)}
    if None in by_id or not _AnswerStatus.model_validate(fields).is_ok():
        raise UnreadableError(f"{label}: neither a customer nor that there is none")
    if len(by_id) > _SAME_DOCUMENT:
        raise UnreadableError(f"{label}: too many customers for one document")
    return list(by_id.values())


def _listed(answer: HttpAnswer) -> Sequence[_CustomerRow]:
    rows = _document(answer)
    if isinstance(rows, Mapping):
        if _is_nobody(answer.label, rows):
            return []
        # Depends on MK's version.
        rows = rows.get("Clientes")
    return read_rows(answer.label, _CustomerRow, rows)


def _is_nobody(label: str, answer: Fields) -> bool:
    """Return True if the answer says that no customer was found; raises for any other error in
    it."""
    said = _AnswerStatus.model_validate(answer)
    if said.is_ok() or (said.status is None and said.error is None):
        return False
    if said.is_nobody():
        return True
    if said.code() == _NO_PARAMETER:
        raise RefusedError(f"{label}: MK says that the question lacks a parameter")
    # The error for an expired token is not documented, so this may be one.
    raise MaybeExpiredError(f"{label}: an error in place of records, or the token is not accepted")
