"""One jet with several slots: accepted only when every wanted derivative is the only one in its output."""

from __future__ import annotations

from itertools import product
from math import factorial

import pytest

from opcompiler.planning.slots import output_of_order, slot_conflicts, slot_jet, smallest_slots

XYT = ("x", "y", "t")
KDV = [(3, 1, 0), (0, 1, 1), (2, 0, 0), (0, 2, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]
KP = [(4, 0, 0), (1, 0, 1), (0, 2, 0), (1, 0, 0), (2, 0, 0)]

SMALLEST = {
    "u_xy": ([(1, 1)], (2, 3), 5),
    "u_xxy": ([(2, 1)], (2, 3), 7),
    "u_xxxy": ([(3, 1)], (2, 5), 11),
    "u_xxyy": ([(2, 2)], (3, 4), 14),
    "u_xyz": ([(1, 1, 1)], (4, 6, 7), 17),
    "u_xxyz": ([(2, 1, 1)], (4, 6, 9), 23),
    "KdV-2D": (KDV, (5, 6, 13), 21),
    "KP": (KP, (4, 7, 13), 17),
}


@pytest.mark.parametrize("name", SMALLEST)
def test_smallest_orders(name):
    wanted, slots, order = SMALLEST[name]
    assert smallest_slots(wanted) == (slots, order)
    assert slot_conflicts(slots, wanted) == ()


@pytest.mark.parametrize("name", ["u_xy", "u_xxy", "u_xxxy", "u_xxyy", "KP"])
def test_no_smaller_order_exists(name):
    """Brute force over all slots, with a count of preimages that shares nothing with the search."""
    wanted, _, order = SMALLEST[name]
    variables = len(wanted[0])
    for slots in product(range(1, order), repeat=variables):
        weights = [sum(a * s for a, s in zip(alpha, slots, strict=True)) for alpha in wanted]
        if max(weights) < order:
            preimages = [0] * order
            for beta in product(*(range(order // s + 1) for s in slots)):
                weight = sum(b * s for b, s in zip(beta, slots, strict=True))
                if weight < order:
                    preimages[weight] += 1
            assert any(preimages[weight] > 1 for weight in weights), slots


def test_published_slots_of_the_kdv_equation_are_refused():
    conflicts = {conflict.order: conflict.text(XYT) for conflict in slot_conflicts((3, 4, 7), KDV)}
    assert conflicts == {
        7: "order 7 is 35·u_xy + u_t",
        11: "order 11 is 330·u_yt + 5775·u_xyy",
        13: "order 13 is 200200·u_xxxy + 17160·u_xxt",
    }


def test_valid_slots_of_the_kdv_equation_are_accepted():
    assert slot_conflicts((5, 6, 13), KDV) == ()


def test_factors_of_an_output():
    """d^m/ds^m exp(Σ z_i s^(a_i)/a_i!) at 0 is the output with ∂^α u replaced by z^α."""
    assert output_of_order((3, 4, 7), 6) == {(2, 0, 0): 10}
    assert output_of_order((2, 5), 9) == {(2, 1): factorial(9) // (2 * 2 * factorial(5) * 2)}
    assert output_of_order((1,), 5) == {(5,): 1}


def test_a_drift_rides_in_the_highest_slot():
    symbols = [[{(1, 0): 1, (0, 2): 1, (0, 4): 1}], [{(0, 1): 1}]]
    jet = slot_jet(symbols, (("t", 0), ("x", 0)))
    assert (jet.slots, jet.order, jet.carried) == ((4, 1), 4, 5)


def test_a_drift_is_not_added_to_an_output_that_another_symbol_reads():
    symbols = [[{(1, 0): 1, (0, 4): 1}], [{(0, 4): 1, (0, 1): 1}]]
    jet = slot_jet(symbols, (("t", 0), ("x", 0)))
    wanted = [(1, 0), (0, 4), (0, 1)]
    assert slot_conflicts(jet.slots, wanted) == ()


def test_a_search_without_result_says_so():
    assert smallest_slots([(2, 2, 2)], highest=30) is None
    assert smallest_slots([(2, 2, 2)], highest=80, tries=100) is None
    assert smallest_slots([]) is None
