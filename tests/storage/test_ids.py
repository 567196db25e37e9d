"""Ids of new registrations: all different, and a hundred in a row with the same prefix."""

import re
from itertools import islice

from storage.register.ids import new_ids


def test_ids_are_different_whoever_makes_them():
    made = [*islice(new_ids(), 5_000), *islice(new_ids(), 5_000)]
    assert len(set(made)) == 10_000
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in made)


def test_a_hundred_in_a_row_share_their_place_and_the_next_ones_do_not():
    made = list(islice(new_ids(), 20_000))
    places = [{one[:4] for one in made[n : n + 100]} for n in range(0, len(made), 100)]
    assert all(len(place) == 1 for place in places)
    # Two hundred draws from 65,536 prefixes give nearly as many different ones.
    assert len(set().union(*places)) > 180
