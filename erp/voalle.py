"""The adapter for Voalle (Grupo Voalle, Syntesis): finds customers by document.

Source: public clients of the vendor's third-party API, as its own documentation could not be read
in full. Only the login and the look-up by document are known well enough. So there are no lists:
one source names a list of people, unverified, and none a list of changes.

The setting ERP_TOKEN holds the `syndata` of the login, which Voalle gives to each integration
along with the client id and secret.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yarl import URL

from bot.domain.candidate import Candidate
from bot.domain.erp_record import ErpPage, ErpRecord
from bot.domain.errors import RefusedError, UnknownRefusalError, UnreadableError
from bot.domain.registration import Kind, Phones, Status
from bot.domain.tax_id import TaxId
from erp.adapter import Adapter, Connection, Facts
from erp.answer import HttpAnswer
from erp.client import read_address, read_root
from erp.fields import Text, check_nobody, mapping, one_candidate, phone_in
from erp.login import TokenClient, access_token, refuses_login
from erp.records import Record, check_brazilian

NAME: Final = "voalle"
FACTS: Final = Facts(name=NAME, title="Voalle", lists_all=False, lists_changes=False)
_LOGIN: Final = "connect/token"
_LOGIN_PORT: Final = 45700
_PEOPLE: Final = "external/integrations/thirdparty/people/txid"
_API_PORT: Final = 45715
_SCOPE: Final = "syngw"
_ACTIVE: Final = "1"
# A number of the right length that belongs to no person.
_NOBODY: Final = "0" * 11


class Voalle:
    """The Voalle of one company.

    The URL is that of its host: the login and the API have one port each, which are known. A URL
    with another port, as of a proxy, is used as it is for both.
    """

    def __init__(self, at: Connection) -> None:
        at.credentials.require(NAME, "url", "client_id", "client_secret", "token")
        self._credentials = at.credentials
        login, api = addresses(at.credentials.url)
        self._login_client = at.client(NAME, login)
        self._client = at.client(NAME, api)
        self._api = TokenClient(self._client, self._log_in)

    async def by_tax_id(self, tax_id: TaxId) -> Candidate | None:
        """Return the candidate with this tax id, from the one customer that Voalle gives for
        it."""
        check_brazilian(NAME, tax_id)
        label = f"ERP {NAME} people"
        envelope = await self._get(tax_id.number, what="people")
        person = _person(label, envelope)
        return one_candidate(label, tax_id, [person.to_record()] if person else [])

    async def page(self, cursor: str, *, since: datetime | None = None) -> ErpPage:
        """Raise RefusedError, always: no list is known that is reliable."""
        if since is not None:
            raise RefusedError(f"ERP {NAME}: no list of changes: the API documents none")
        raise RefusedError(f"ERP {NAME}: no list of people: the API documents none")

    async def probe(self) -> None:
        """Check that Voalle answers at both ports and accepts the credentials."""
        # Any answer about this document shows that Voalle answers.
        await self._get(_NOBODY, what="probe")

    async def _get(self, document: str, *, what: str) -> "_Envelope":
        path = f"{_PEOPLE}/{document}"
        return await self._api.get(path, what=what, read=_read)

    async def _log_in(self) -> str:
        # A token lasts an hour; a refusal shows that it has expired.
        own = self._credentials
        return await self._login_client.request(
            "POST",
            _LOGIN,
            what="login",
            is_read=True,
            form={
                "grant_type": "client_credentials",
                "scope": _SCOPE,
                "client_id": own.client_id.strip(),
                "client_secret": own.client_secret.get_secret_value().strip(),
                "syndata": own.token.get_secret_value().strip(),
            },
            read=_read_login,
        )


ADAPTER: Final = Adapter(facts=FACTS, connect=Voalle)


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The envelope of every answer. `messages` is not passed on: it may quote the request."""

    is_success: bool
    has_response: bool
    response: object
    is_missing: bool
    """True if the HTTP status was 404."""
    messages: object = None


class _PersonRow(Record):
    name: Text = None
    name2: Text = None
    txId: Text = None  # noqa: N815 - Voalle's own names
    email: Text = None
    status: Text = None
    phone: Text = None
    cellPhone: Text = None  # noqa: N815

    def to_record(self) -> ErpRecord:
        """Return this row in our terms."""
        return ErpRecord(
            ref=self.ref(NAME),
            document=self.txId or "",
            # Voalle gives only people who are marked as customers.
            kind=Kind.CUSTOMER,
            status=self._status(),
            names=(self.name, self.name2),
            trade_name=self.name2,
            phones=Phones(home=phone_in(self.phone), mobile=phone_in(self.cellPhone)),
            phone_texts=(self.phone, self.cellPhone),
            email=self.email,
        )

    def _status(self) -> Status | None:
        if self.status is None:
            return None
        return Status.ACTIVE if self.status == _ACTIVE else Status.INACTIVE


def addresses(text: str) -> tuple[URL, URL]:
    """Return the root URLs of the login and of the API, from the URL that an operator pasted."""
    url = read_address(text)
    if url.explicit_port in (None, _LOGIN_PORT, _API_PORT):
        host = url.with_path("/")
        return host.with_port(_LOGIN_PORT), host.with_port(_API_PORT)
    root = read_root(text, "/connect/", "/external/")
    return root, root


def _read_login(answer: HttpAnswer) -> str:
    if answer.status == 400 or refuses_login(answer):
        raise RefusedError(
            f"{answer.label}: HTTP {answer.status}:"
            " client id, client secret or syndata (ERP_TOKEN) not accepted"
        )
    return access_token(answer.label, answer.fields())


def _read(answer: HttpAnswer) -> _Envelope:
    if answer.status == 404:
        # Some servers answer 404 for an unknown person. A wrong URL does so too, but not with such
        # a body.
        try:
            return _envelope(answer.label, answer.parse(), is_missing=True)
        except UnreadableError as error:
            raise UnknownRefusalError(
                f"{answer.label}: HTTP 404, not from the API: a wrong URL?"
            ) from error
    return _envelope(answer.label, answer.json(), is_missing=False)


def _envelope(label: str, document: object, *, is_missing: bool) -> _Envelope:
    answer = mapping(label, document)
    if "response" not in answer and "success" not in answer:
        raise UnreadableError(f"{label}: not an answer as we know them")
    return _Envelope(
        is_success=answer.get("success") is True,
        has_response="response" in answer,
        response=answer.get("response"),
        is_missing=is_missing,
        messages=answer.get("messages"),
    )


def _person(label: str, envelope: _Envelope) -> _PersonRow | None:
    is_nobody = envelope.is_missing or (envelope.is_success and envelope.has_response)
    if envelope.response is None and is_nobody:
        check_nobody(label, {"messages": envelope.messages})
        return None
    if not envelope.is_success:
        # The reason of a failure is not documented; an unknown person is no failure.
        raise UnknownRefusalError(f"{label}: an error in place of a person")
    if not envelope.has_response:
        raise UnreadableError(f"{label}: neither a person nor that there is none")
    return _PersonRow.model_validate(mapping(label, envelope.response))
