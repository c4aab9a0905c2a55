"""Schemes and laws: what is no scheme is refused where it is written."""

from fractions import Fraction

import pytest

import opcompiler as oc

LAWS = oc.laws


@pytest.mark.parametrize(
    "made",
    [
        lambda: oc.Stochastic(samples=0),
        lambda: oc.Stochastic(samples=2.5),
        lambda: oc.Stochastic(law="rademacher"),
        lambda: oc.Stochastic(law=LAWS.Rademacher),
        lambda: oc.Stochastic(law=None),
        lambda: oc.Stochastic(over=3),
        lambda: oc.Stochastic(over=("x", 1)),
        lambda: oc.Stochastic(replace="no"),
        lambda: oc.Stochastic(shared=1),
        lambda: oc.Exact(search_nodes=-1),
        lambda: oc.Exact(search_nodes="many"),
        lambda: LAWS.Frame(2.0),
        lambda: LAWS.Auto("pilot"),
        lambda: LAWS.Auto(law="sphere"),
    ],
)
def test_what_is_no_scheme_is_refused_with_a_hint(made):
    with pytest.raises(oc.ArgumentTypeError) as caught:
        made()
    assert caught.value.hint


@pytest.mark.parametrize("law", [LAWS.Coordinates, LAWS.Terms])
@pytest.mark.parametrize(
    "probabilities",
    [(1, 1, 1), (Fraction(3, 2), Fraction(-1, 2)), (Fraction(1), 0), (0.3, 0.3, 0.3), "ab", 1.0, (True,), (None, 1)],
    ids=str,
)
def test_what_is_no_probability_is_refused(law, probabilities):
    """Probabilities of another sum than one would be a bias."""
    with pytest.raises(oc.ArgumentTypeError) as caught:
        law(probabilities)
    assert caught.value.hint


def test_decimals_are_exact_probabilities():
    assert LAWS.Coordinates([0.1, 0.2, 0.7]) == LAWS.Coordinates((Fraction(1, 10), Fraction(1, 5), Fraction(7, 10)))


def test_names_of_spaces_stand_once_and_in_order():
    assert oc.Stochastic(over={"y", "x"}) == oc.Stochastic(over=("x", "y", "x")) == oc.Stochastic(over=["x", "y"])
