"""The adapter for MK Solutions (MK30): finds customers by document and lists them.

Source: the vendor's wiki (mkloud.atlassian.net, "APIs gerais") and public clients of the API. It
documents neither suppliers, trade names nor the time of change. The URL of every request contains
the token and the document, so no URL may ever get into an error or a log.

There is a filter by day of change, but it is not used: an operator got the same quarter of all
customers for every day, so changes would be missed without an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field
from yarl import URL

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import RefusedError, UnreadableError
from bot.domain.registration import ErpRef, Kind, Phones, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import UnauthorizedError, check_answer, parse
from erp.client import Limits, read_address
from erp.fields import Row, Text, is_mobile, mapping, one_candidate, phone_in, rows_in
from erp.login import Login

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
        self._client = at.client(NAME, _root(at.credentials.url))
        self._login = Login(self._log_in)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from all registrations that have it."""
        if tax_id.country != "BR":
            raise RefusedError(f"ERP {NAME}: keeps only CPF and CNPJ")
        label = f"ERP {NAME} documento"
        answer = await self._get(_DOCUMENT, {"doc": tax_id.number}, _found, what="documento")
        records: list[ErpRecord] = []
        for row in answer:
            # This answer contains no document, so it proves nothing yet.
            rows = await self._customers({"cd_cliente": row.CodigoPessoa or ""}, what="cliente")
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
        self,
        path: str,
        asked: Mapping[str, str],
        read: Callable[[str, Any], _Answer],
        *,
        what: str,
    ) -> _Answer:
        async def ask(token: str) -> _Answer:
            answer: Any = await self._client.request(
                "GET",
                path,
                what=what,
                is_read=True,
                params={"sys": _SYSTEM, "token": token, **asked},
                read=_read,
            )
            return read(f"ERP {NAME} {what}", answer)

        return await self._login.call(ask)

    async def _log_in(self) -> str:
        # The time at which the token expires is ignored: MK has a clock and a zone of its own, and
        # a profile can limit the uses of a token. A refusal shows that it has expired.
        own = self._credentials
        answer: Any = await self._client.request(
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
            read=_read,
        )
        label = f"ERP {NAME} login"
        said = _AnswerStatus.model_validate(mapping(label, answer))
        if not said.is_ok():
            raise RefusedError(f"{label}: token or contra-senha not accepted, or not from here")
        if not said.token:
            raise UnreadableError(f"{label}: no token in the answer")
        return said.token


ADAPTER: Final = Adapter(facts=FACTS, connect=Mk, limits=LIMITS)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The beginning of a range. Its text is the cursor."""

    begin: int = 1
    empty: int = 0
    """Number of ranges in a row before it that were empty."""

    @classmethod
    def read(cls, cursor: str) -> "_Cursor":
        begin, _, empty = cursor.partition("|")
        return cls(int(begin or 1), int(empty or 0))

    def __str__(self) -> str:
        return f"{self.begin}|{self.empty}"


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
        # The code for a refused token is not documented.
        return "não localizado" in text or (self.code() == _NOT_FOUND and "token" not in text)


class _CustomerRow(Row):
    """A customer, in full or as the look-up gives it, which lacks the document."""

    CodigoPessoa: _Repaired = None
    CPF_CNPJ: _Repaired = None
    Nome: _Repaired = None
    Email: _Repaired = None
    Fone: _Repaired = None
    Situacao: _Repaired = None

    def code(self) -> int | None:
        """Return the customer's code, by which ranges are requested; None if it is no number."""
        text = (self.CodigoPessoa or "").strip()
        return int(text) if text.isdecimal() else None

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        phone = phone_in(self.Fone)
        return ErpRecord(
            ref=ErpRef(system=NAME, id=self.CodigoPessoa) if self.CodigoPessoa else None,
            document=self.CPF_CNPJ or "",
            kind=Kind.CUSTOMER,
            # The status of the registration; it does not show if a contract is active.
            status=_STATUS.get((self.Situacao or "").strip().casefold()),
            names=(self.Nome,),
            phones=Phones(mobile=phone) if is_mobile(phone) else Phones(home=phone),
            email=self.Email,
        )


def _root(text: str) -> URL:
    url = read_address(text)
    return url.with_path(f"{url.path}/".partition("/mk/")[0].rstrip("/") or "/")


def _read(label: str, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    if status == 403:
        raise UnauthorizedError(f"{label}: HTTP {status}")
    if status == 404:
        raise RefusedError(f"{label}: HTTP 404: a wrong URL, or MK's version lacks this service")
    check_answer(label, status, headers, body)
    # Neither UTF-8 nor Latin-1, as its header says: a letter comes as one raw byte of UTF-8 and
    # the rest escaped. Read as Latin-1 nothing is lost, and `_repaired` joins the bytes of each
    # letter.
    return parse(label, body.decode("latin-1").encode())


def _found(label: str, answer: Any) -> Sequence[_CustomerRow]:
    """Return the registrations with the requested document; empty when MK says that there are
    none."""
    if _is_nobody(label, mapping(label, answer)):
        return []
    others = answer.get("Outros")
    rows = [answer, *(rows_in(label, others) if isinstance(others, list) else ())]
    found = [_CustomerRow.model_validate(row) for row in rows]
    by_code = {row.CodigoPessoa: row for row in found}
    if None in by_code or not _AnswerStatus.model_validate(answer).is_ok():
        raise UnreadableError(f"{label}: neither a customer nor that there is none")
    if len(by_code) > _SAME_DOCUMENT:
        raise UnreadableError(f"{label}: too many customers for one document")
    return list(by_code.values())


def _listed(label: str, answer: Any) -> Sequence[_CustomerRow]:
    if isinstance(answer, Mapping):
        if _is_nobody(label, answer):
            return []
        # Depends on MK's version.
        answer = answer.get("Clientes")
    return [_CustomerRow.model_validate(row) for row in rows_in(label, answer)]


def _is_nobody(label: str, answer: Mapping[str, Any]) -> bool:
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
    raise UnauthorizedError(f"{label}: an error in place of records, or the token is not accepted")
