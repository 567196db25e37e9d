"""Documents for property tests: made up, with check digits that hold."""

from hypothesis import settings
from hypothesis import strategies as st

from bot.demo.documents import make_cnpj, make_cpf
from bot.domain.tax_id import TaxId

# The same examples on every run: a test that fails here fails for everybody.
STABLE = settings(derandomize=True, deadline=None, max_examples=150)

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CPF = make_cpf(390533447)
OTHER_CPF = make_cpf(111222333)
# The Receita Federal's own example of a CNPJ with letters.
CNPJ = make_cnpj("12ABC34501DE")


def _names_itself(root: str) -> bool:
    return "CPF" in root or "CNPJ" in root


def _is_repeated(text: str) -> bool:
    return len(set(text)) == 1


cpfs: st.SearchStrategy[TaxId] = (
    st.integers(0, 10**9 - 1).filter(lambda n: not _is_repeated(f"{n:09d}")).map(make_cpf)
)
digit_cnpjs: st.SearchStrategy[TaxId] = (
    st.text("0123456789", min_size=12, max_size=12)
    .filter(lambda root: not _is_repeated(root))
    .map(make_cnpj)
)
cnpjs: st.SearchStrategy[TaxId] = (
    st.text(ALPHANUMERIC, min_size=12, max_size=12)
    .filter(lambda root: not _is_repeated(root) and not _names_itself(root))
    .map(make_cnpj)
)
tax_ids = cpfs | digit_cnpjs | cnpjs


def full_width(text: str) -> str:
    """Return the text in the full-width forms of East Asian keyboards."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)


def with_separators(number: str, separators: list[str]) -> str:
    """Return the number with a random separator after each character but the last."""
    pairs = zip(number, [*separators, ""], strict=True)
    return "".join(character + separator for character, separator in pairs)
