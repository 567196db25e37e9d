"""Telephones for property tests: made up, of real area codes."""

from hypothesis import strategies as st

_MISSING = {20, 23, 25, 26, 29, 36, 39, 52, 56, 57, 58, 59, 72, 76, 78}
AREA_CODES = [
    code for a in range(1, 10) for b in range(1, 10) if (code := 10 * a + b) not in _MISSING
]
mobiles = st.builds(
    lambda area, rest: f"+55{area}9{rest:08d}",
    st.sampled_from(AREA_CODES),
    st.integers(60_000_000, 99_999_999),
)
landlines = st.builds(
    lambda area, rest: f"+55{area}{rest:08d}",
    st.sampled_from(AREA_CODES),
    st.integers(20_000_000, 59_999_999),
)
