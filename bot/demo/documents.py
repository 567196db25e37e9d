"""Invented CPFs and CNPJs for demo and tests, with valid check digits and of no known person."""

from stdnum.br import cnpj as stdnum_cnpj

from bot.domain.tax_id import NotATaxId, TaxId, check


def make_cpf(n: int) -> TaxId:
    """Return the CPF whose first nine digits are `n`; the same `n` always gives the same CPF.

    Raises ValueError if there is no such CPF.
    """
    if n not in range(10**9):
        raise ValueError("no document begins like that: nine digits are needed")
    digits = f"{n:09d}"
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        rest = sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    return _checked(digits)


def make_cnpj(root: str) -> TaxId:
    """Return the CNPJ whose first twelve characters are `root`, letters allowed.

    Raises ValueError if there is no such CNPJ.
    """
    root = root.upper()
    return _checked(root + stdnum_cnpj.calc_check_digits(root))


def _checked(number: str) -> TaxId:
    judged = check(number)
    if isinstance(judged, NotATaxId):
        raise ValueError(f"no document begins like that: {judged.reason}")
    return judged
