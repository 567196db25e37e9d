"""The splitting of names and typed text into search words."""

import re
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.search import fold, holds, typed_words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("José  da CONCEIÇÃO", "jose da conceicao"),
        ("Straße & Co.", "strasse co"),
        ("O'Neill-Müller", "o neill muller"),
        ("\u202e<b>Ana</b>\u200f", "b ana b"),
        ("ＡＮＡ ﬁ", "ana fi"),
        ("مريم 李", "مريم 李"),
        ("😀 _ .", ""),
        ("", ""),
    ],
)
def test_accents_case_and_punctuation_do_not_matter(text: str, folded: str):
    assert fold(text) == folded


@given(st.text() | st.text(alphabet="aÉßİΣςﬁ\u0301\u1e9b\u0323\u00a8\u00a0\u3000 -_\t한"))
def test_a_text_is_folded_as_its_words_are_together(text: str):
    shown = "".join(c for c in normalize("NFKD", text) if not combining(c))
    assert fold(text) == " ".join(re.findall(r"[^\W_]+", shown.casefold()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("silva 390.533", ("silva", "390533")),
        ("390.533.447-05", ("39053344705",)),
        ("12.ABC.345/01DE-35", ("12abc34501de35",)),
        ("Ana-Bia", ("ana", "bia")),
        ("Ana ana ANA", ("ana",)),
        ("... 😀", ()),
    ],
)
def test_a_number_loses_its_punctuation_and_a_name_is_cut_at_it(text: str, words: tuple[str, ...]):
    assert typed_words(text) == words


def test_each_typed_word_must_begin_some_word_in_any_order():
    words = fold("José da Conceição Padaria Sol").split()
    assert holds(words, typed_words("conc jose"))
    assert holds(words, typed_words("sol JOSÉ"))
    assert holds(words, ())
    assert not holds(words, typed_words("ceicao"))
    assert not holds(words, typed_words("jose silva"))
