"""Random forms: the identity, exactly, and bounds in the right order."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from planning.tangents.expansion import is_identity, largest_error

from opcompiler.planning.tangents import decompose
from opcompiler.planning.tangents.bounds import catalecticant_rank


@st.composite
def random_form(draw):
    variables = draw(st.integers(1, 4))
    order = draw(st.integers(1, {1: 6, 2: 6, 3: 5, 4: 4}[variables]))

    def exponents(picks):
        return tuple(picks.count(i) for i in range(variables))

    alphas = st.lists(st.integers(0, variables - 1), min_size=order, max_size=order).map(exponents)
    numbers = st.fractions(min_value=-3, max_value=3, max_denominator=4).filter(bool)
    return draw(st.dictionaries(alphas, numbers, min_size=1, max_size=6))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(random_form())
def test_every_decomposition_is_an_identity(form):
    tangents = decompose(form, nodes=0)
    if tangents.residual:
        assert largest_error(form, tangents) <= tangents.residual <= Fraction(1, 10**13)
    else:
        assert is_identity(form, tangents)
    assert tangents.lower_bound <= tangents.size
    assert (tangents.status == "proved") == (tangents.lower_bound == tangents.size)
    for half in range(1, tangents.order // 2 + 1):
        assert catalecticant_rank([form], half) <= tangents.size
