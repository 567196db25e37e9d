"""Telephones for property tests: made up, of real area codes."""

from hypothesis import strategies as st

AREA_CODES = [int(f"{a}{b}") for a in range(1, 10) for b in range(1, 10)]
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
