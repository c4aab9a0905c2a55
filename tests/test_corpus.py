"""Every equation of the corpus, read from its text and evaluated at a point, against the stored value."""

import corpus
import jax
import jax.numpy as jnp
import pytest

import opcompiler as oc

FORMS = {
    "unicode": 189,
    "operator_form.unicode": 189,
    "unicode2": 2,
    "latex": 62,
    "ascii": 189,
    "operator_form.ascii": 189,
    "ascii2": 6,
}
"""Every way in which the corpus writes its equations, and how many it writes so."""

TOLERANCE = 1e-9
RESIDUAL_TOLERANCE = 1e-8

EVALUATED: dict[object, float] = {}
"""Error of every operator that was evaluated: entry and what its reading means → error."""


def evaluated(op, entry):
    """The value by one program, not by one for every operation."""
    return jax.jit(lambda *points: op(entry.u, *points))(*entry.points)


def meaning(normal_form):
    return normal_form.contractions, normal_form.scalars, normal_form.outputs


def error_of(entry, text, declared):
    """Error of the value, evaluated once for all readings with one normal form."""
    known = entry.id, meaning(oc.reduce(oc.parse(text, **declared)))
    if known not in EVALUATED:
        EVALUATED[known] = entry.error(evaluated(oc.compile(text, **declared), entry))
    return EVALUATED[known]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_evaluates_to_the_stored_value(form, capsys):
    entries = corpus.entries(form)
    failures = {}
    for entry in entries:
        try:
            error = error_of(entry, entry.text, entry.declarations)
        except oc.OpCompilerError as refused:
            failures[entry.id] = f"{type(refused).__name__}: {refused.problem}"
            continue
        if not error <= TOLERANCE:
            failures[entry.id] = f"relative error {error:.1e} of {entry.text!r}"
    with capsys.disabled():
        passed = len(entries) - len(failures)
        print(f"\ncorpus, {form}: {passed} of {len(entries)} equations evaluate to their stored values")
    assert not failures, "\n".join(f"{name}: {cause}" for name, cause in failures.items())
    assert len(entries) == FORMS[form]


def test_known_solutions_have_no_residual(capsys):
    solved = [entry.exact for entry in corpus.entries("unicode") if "check_exact" in entry.data]
    for entry in solved:
        parts = evaluated(oc.compile(entry.text, **entry.declarations), entry)
        residual = max(float(jnp.max(jnp.abs(part))) for part in jax.tree.leaves(parts))
        assert residual <= RESIDUAL_TOLERANCE * max(1, entry.largest_term), entry.id
    with capsys.disabled():
        print(f"\ncorpus, known solutions: {len(solved)} of {len(solved)} residuals vanish")
    assert len(solved) == 87


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
    together = (lambda *p: tuple(f(*p) for f in u.values())) if len(u) > 1 else next(iter(u.values()))
    values = {name: jnp.stack([jnp.asarray(value)] * 2) for name, value in parameters.items()}
    result = jax.jit(lambda points, values: op(together, *points, parameters=values, functions=functions))(
        [jnp.stack([point, point]) for point in points], values
    )
    assert entry.error(jax.tree.map(lambda value: value[1], result)) <= TOLERANCE
