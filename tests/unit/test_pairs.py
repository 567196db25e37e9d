"""Which registrations are likely one person."""

import pytest

from bot.demo.documents import make_cpf
from bot.domain.pairs import Outline, Pair, PairReason, PairSearch, likeness, name_key
from bot.domain.registration import ErpRef
from tests.storage.records import NOW, provenance, registration

PHONE, WITHOUT_NINTH = "+5549999990001", "+554999990001"
REF = frozenset((ErpRef(system="ixc", table="cliente", id="7"),))
E, P, M, N, D = PairReason


def person(
    name: str,
    phone: str = "",
    email: str | None = None,
    *,
    has_document: bool = False,
    **more: str,
) -> Outline:
    refs = REF if more.get("ref") else frozenset()
    phones = (phone,) if phone else ()
    return Outline(more.get("id", "a"), name, has_document, phones, email, refs)


KNOWN = person("Ana Souza", PHONE, has_document=True)


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        (person("João da Silva"), person("SILVA, Joao"), {N}),
        (person("João da Silva"), person("Joao Silva e Souza"), set()),
        (person("Ana Souza"), person("Ana Sousa"), {N}),
        (person("Ana Souza"), person("Ana Suoza"), {N}),
        (person("Ana Souza"), person("Ana Souzas"), {N}),
        (person("Ana Souza"), person("Anas Souzas"), set()),
        (person("Maria"), person("Maria"), set()),
        (person("Maria", PHONE), person("Maria", WITHOUT_NINTH), {P, N}),
        (person("Rui X"), person("Rai X"), set()),
        (person("Loja Centro 1"), person("Loja Centro 2"), set()),
        (person("Ana", PHONE), person("Bia", PHONE, has_document=True), {P}),
        (person("Ana", email="a@b.co"), person("Bia", email="a@b.co"), {M}),
        (person("Ana"), person("Bia"), set()),
        # A mother and her child, each with a document.
        (KNOWN, person("Bia Souza", PHONE, has_document=True), set()),
        (person("Ana Souza", has_document=True), person("Ana Souza", has_document=True), set()),
        (KNOWN, KNOWN, {P, N, D}),
        # The ERP's record has another document now.
        (
            person("Ana", has_document=True, ref="7"),
            person("Bia", has_document=True, ref="7"),
            {E},
        ),
    ],
)
def test_why_two_are_likely_one(one: Outline, other: Outline, reasons: set[PairReason]):
    other = Outline("b", *(getattr(other, name) for name in Outline.__slots__[1:]))
    assert likeness(one, other) == likeness(other, one) == reasons
    assert likeness(one, one) == set()
    search = PairSearch()
    search.add(one)
    search.add(other)
    candidates = search.candidates()
    candidates += [pair for some in search.spelled_alike(at_once=1) for pair in some]
    assert {"a", "b"} in map(set, candidates) or not reasons


def test_two_documents_come_last_and_the_erps_own_word_first():
    kinds = [{D, P, N}, {N}, {P}, {P, M}, {P, N}, {E}]
    ranks = [Pair("a", "b", frozenset(one)).rank for one in kinds]
    assert ranks == sorted(ranks, reverse=True)
    assert Pair("b", "a", frozenset()).id == Pair("a", "b", frozenset()).id


def test_a_switchboard_is_no_sign_and_a_family_hides_no_pair():
    search = PairSearch()
    for number in range(9):
        search.add(person(f"Vendedor {'abcdefghi'[number] * 5}", PHONE, id=f"v{number}"))
    other = "+5549988887777"
    for number, name in enumerate(("Ana Lima", "Bia Lima", "Bia Lima")):
        search.add(person(name, other, has_document=True, id=f"f{number}"))
    assert search.candidates() == [("f1", "f2")]


def test_an_outline_is_what_the_registration_has():
    one = registration(tax_id=make_cpf(1), erp_refs=REF, created=provenance(at=NOW))
    assert Outline.of(one) == person("Ana", has_document=True, id="r1", ref="7")
    assert name_key("Da  Dos") == "da dos", "a name of particles only stays"
