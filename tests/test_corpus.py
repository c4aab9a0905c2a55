"""Every equation of the corpus, read from its text and evaluated at a point, against the stored value."""

import corpus
import jax
import pytest

import opcompiler as oc

FLOOR = {"unicode": 189, "ascii": 189}
TOLERANCE = 1e-9


def evaluated(op, entry):
    if len(entry.data["coords_flat"]) < 50:
        return op(entry.u, *entry.points)
    # A field written out over a hundred scalars is one program to compile, not a thousand.
    return jax.jit(lambda *points: op(entry.u, *points))(*entry.points)


@pytest.mark.parametrize("form", ["unicode", "ascii"])
def test_corpus(form, capsys):
    failures = {}
    entries = corpus.entries(form)
    for entry in entries:
        try:
            op = oc.compile(entry.text, **entry.declarations)
            error = entry.error(evaluated(op, entry))
        except oc.OpCompilerError as refused:
            failures[entry.id] = f"{type(refused).__name__}: {refused.problem}"
            continue
        # A refusal may be a gap, a wrong number never is.
        assert error <= TOLERANCE, f"{entry.id} {entry.text!r}: relative error {error:.1e}"
    passed = len(entries) - len(failures)
    with capsys.disabled():
        print(f"\ncorpus, {form}: {passed} of {len(entries)} equations evaluate to their stored values")
    assert passed >= FLOOR[form], "\n".join(f"{name}: {cause}" for name, cause in failures.items())
