"""Every equation of the corpus, read from its text and evaluated at a point, against the stored value."""

import corpus
import jax
import jax.numpy as jnp
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


@pytest.mark.parametrize("entry", corpus.entries("unicode")[::5], ids=lambda entry: entry.id)
def test_every_way_of_giving_arguments(entry):
    """Packed coordinates, run-time parameters per point, functions at call, one callable for all fields, a batch."""
    declared = entry.declarations
    parameters, functions = declared["parameters"], declared["functions"]
    declared["parameters"] = {name: oc.Runtime(jnp.shape(value)) for name, value in parameters.items()}
    declared["functions"] = {
        key: oc.Function(shape=jax.eval_shape(f, *[0.5] * (key.count(",") + 1)).shape) for key, f in functions.items()
    }
    u, points = entry.u, entry.points
    if not isinstance(declared["spaces"], dict) or all(size is None for size in declared["spaces"].values()):
        declared["spaces"] = {"packed": tuple(declared["spaces"])}
        u = {name: (lambda z, f=f: f(*z)) for name, f in u.items()}
        points = [jnp.stack(points)]
    op = oc.compile(entry.text, **declared)
    result = op(
        (lambda *p: tuple(f(*p) for f in u.values())) if len(u) > 1 else next(iter(u.values())),
        *(jnp.stack([point, point]) for point in points),
        parameters={name: jnp.stack([jnp.asarray(value)] * 2) for name, value in parameters.items()},
        functions=functions,
    )
    assert entry.error(jax.tree.map(lambda value: value[1], result)) <= TOLERANCE
