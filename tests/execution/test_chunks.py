"""Budgets and chunks: the same numbers in several steps, or a refusal before anything is allocated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.errors import ArgumentTypeError, LimitError
from opcompiler.execution.chunks import points_per_chunk

RANDOM = np.random.default_rng(0)
W1, W2 = jnp.asarray(RANDOM.normal(size=(6, 8))), jnp.asarray(RANDOM.normal(size=(8, 2)))
POINTS = jnp.asarray(RANDOM.normal(size=(11, 6)) * 0.3)


def fields(weights, x):
    return jnp.tanh(x @ weights[0]) @ weights[1] * (1 - x @ x)


def field(weights, x):
    return fields(weights, x)[0]


def both(text, u, *points, scheme, spaces={"x": 6}, call=None, **declared):  # noqa: B006
    """Return the values of all points at once and in steps, and the schedule of the steps."""
    whole, stepwise = (oc.compile(text, spaces=spaces, scheme=s, **declared) for s in (oc.Exact(), scheme))
    schedule = stepwise.plan_for(u, *points, aux=(call or {}).get("aux")).schedule
    values = [jax.jit(lambda *x, op=op: op(u, *x, **(call or {})))(*points) for op in (whole, stepwise)]
    return *values, schedule


def assert_same(left, right):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-15, atol=1e-15 * float(jnp.abs(a).max()))


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_chunks_of_any_size_give_the_same_numbers(chunk):
    whole, chunked, schedule = both("Δu + u^2", lambda x: field((W1, W2), x), POINTS, scheme=oc.Exact(chunk=chunk))
    assert_same(whole, chunked)
    assert schedule.points <= chunk
    assert -(-11 // schedule.points) == -(-11 // min(chunk, 11))


def test_chunks_are_of_even_size():
    points = jnp.ones((1000, 6))
    op = oc.compile("Δu", spaces={"x": 6}, scheme=oc.Exact(chunk=300))
    assert op.plan_for(lambda x: field((W1, W2), x), points).schedule.points == 250


def test_one_point_needs_no_chunks():
    whole, chunked, _ = both("∇u", lambda x: field((W1, W2), x), POINTS[0], scheme=oc.Exact(chunk=3))
    assert_same(whole, chunked)


def test_batches_of_several_axes_keep_their_shape():
    points = jnp.concatenate([POINTS, POINTS[:1]]).reshape(3, 4, 6)
    whole, chunked, _ = both("∇u", lambda x: field((W1, W2), x), points, scheme=oc.Exact(chunk=5))
    assert chunked.shape == (3, 4, 6)
    assert_same(whole, chunked)


def test_aux_parameters_spaces_and_outputs_are_cut_alike():
    times = jnp.linspace(0, 1, 11)

    def u(x, t, aux):
        return fields((W1, W2), x)[0] * jnp.exp(-t * aux["rate"]) + aux["shift"][1]

    call = {
        "aux": {"rate": jnp.linspace(1, 2, 11), "shift": jnp.stack([times, times], 1)},
        "parameters": {"ν": jnp.linspace(0.1, 0.2, 11), "c": 2.0},
    }
    whole, chunked, schedule = both(
        {"heat": "u_t - ν Δ_x u", "slope": "c ∇_x u", "free": "ν"}, u, POINTS, times,
        spaces={"x": 6, "t": None}, parameters={"ν": None, "c": None}, scheme=oc.Exact(chunk=4), call=call,
    )  # fmt: skip
    assert schedule.points == 4
    assert whole["slope"].shape == (11, 6)
    assert_same(whole, chunked)


def test_what_all_points_share_is_not_cut():
    def u(x, t):
        return field((W1, W2), x) * jnp.sin(t)

    whole, chunked, _ = both(
        "u_t + Δ_x u", u, POINTS, jnp.asarray(0.3), spaces={"x": 6, "t": None}, scheme=oc.Exact(chunk=3)
    )
    assert_same(whole, chunked)


def test_one_callable_per_field():
    u = {"v": lambda x: fields((W1, W2), x)[0], "p": lambda x: fields((W1, W2), x)[1]}
    whole, chunked, schedule = both(
        ["Δv + p_{x1}", "p Δp"], u, POINTS, fields=("v", "p"), scheme=oc.Exact(memory=12_000)
    )
    assert 1 < schedule.points < 11
    assert_same(whole, chunked)


def test_gradients_pass_through_chunks():
    def loss(weights, points, scheme):
        op = oc.compile("Δu", spaces={"x": 6}, scheme=scheme)
        return (op(lambda x: field(weights, x), points) ** 2).sum()

    gradients = [
        jax.jit(jax.grad(loss, (0, 1)), static_argnums=2)((W1, W2), POINTS, s) for s in (oc.Exact(), oc.Exact(chunk=4))
    ]
    for a, b in zip(*map(jax.tree.leaves, gradients), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("text", ["Δu", "∇u", "Δu + 2u - u_{x3}"])
def test_directions_in_blocks_give_the_same_numbers(text):
    plan = oc.compile(text, spaces={"x": 6}).plan_for(lambda x: field((W1, W2), x), POINTS)
    budget = plan.schedule.bytes_shared + 2 * plan.schedule.bytes_per_point // 3
    whole, blocked, schedule = both(text, lambda x: field((W1, W2), x), POINTS, scheme=oc.Exact(memory=budget))
    assert schedule.points == 1
    assert schedule.blocks is not None
    assert schedule.peak <= budget
    assert_same(whole, blocked)


def test_gradients_pass_through_blocks():
    def loss(weights, scheme):
        op = oc.compile("Δu", spaces={"x": 6}, scheme=scheme)
        return (op(lambda x: field(weights, x), POINTS) ** 2).sum()

    gradients = [jax.jit(jax.grad(loss), static_argnums=1)((W1, W2), s) for s in (oc.Exact(), oc.Exact(memory=2000))]
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_call_that_cannot_fit_is_refused_with_the_numbers_before_anything_is_traced():
    op = oc.compile("Δu", spaces={"x": 6}, scheme=oc.Exact(memory="1 kB"))
    with pytest.raises(LimitError, match=r"budget of 1 kB .* 8 coefficients take \S+ kB per point") as caught:
        op(lambda x: field((W1, W2), x), POINTS)
    advice = caught.value.hint.split('"')[1]
    enough = oc.compile("Δu", spaces={"x": 6}, scheme=oc.Exact(memory=advice))
    assert enough(lambda x: field((W1, W2), x), POINTS).shape == (11,)


def test_a_chunk_that_does_not_fit_the_budget_is_refused():
    op = oc.compile("∂⁴u/∂x₁⁴", spaces={"x": 6}, scheme=oc.Exact(memory=2000, chunk=11))
    with pytest.raises(LimitError, match="11 points at a time") as caught:
        op.plan_for(lambda x: field((W1, W2), x), POINTS)
    assert "leave chunk= out" in caught.value.hint


def test_a_large_budget_changes_nothing():
    schedule = both("Δu", lambda x: field((W1, W2), x), POINTS, scheme=oc.Exact(memory="1 GiB"))[-1]
    assert (schedule.points, schedule.blocks, schedule.budget) == (11, None, 2**30)


def test_points_per_chunk_follows_the_budget():
    op = oc.compile("Δu", spaces={"x": 6})
    plan = op.plan_for(lambda x: field((W1, W2), x), POINTS)
    few, many = (points_per_chunk(plan, plan.profile, "float64", 1000, budget) for budget in (50_000, 500_000))
    assert 1 <= few < many <= 1000
    assert points_per_chunk(plan, plan.profile, "float32", 1000, 500_000) > many
    assert points_per_chunk(plan, plan.profile, "float64", 1000, 500_000, gradient=True) < many
    with pytest.raises(LimitError):
        points_per_chunk(plan, plan.profile, "float64", 1000, 1000)


@pytest.mark.parametrize(
    "memory", ["2GB", "2 GB", "2000MB", "2e9", "2 gb", "GB", "-1GB", "0B", "1.5", 0, -3, 1.5, True]
)
def test_sizes_are_read_strictly(memory):
    if memory in ("2GB", "2 GB", "2000MB"):
        assert oc.Exact(memory=memory) == oc.Exact(memory=2 * 10**9)
        return
    with pytest.raises(ArgumentTypeError) as caught:
        oc.Exact(memory=memory)
    assert caught.value.hint


def test_binary_units():
    assert oc.Exact(memory="512 MiB").memory == 512 * 2**20
    assert oc.Exact(memory="1.5GB").memory == 1_500_000_000


@pytest.mark.parametrize("chunk", [0, -1, 2.0, "10", True])
def test_a_chunk_is_a_number_of_points(chunk):
    with pytest.raises(ArgumentTypeError, match="number of points"):
        oc.Exact(chunk=chunk)


def wide(x):
    return jnp.tanh(x @ jnp.ones((6, 256)) * 0.1) @ jnp.ones(256)


def test_a_processor_divides_large_batches_by_itself_and_the_numbers_stay():
    points = jnp.asarray(RANDOM.normal(size=(2000, 6)) * 0.3)
    divided = oc.compile("Δu", spaces={"x": 6})
    schedule = divided.plan_for(wide, points).schedule
    assert 32 <= schedule.points <= 1000
    assert schedule.points * schedule.bytes_per_point <= 2**23
    whole = oc.compile("Δu", spaces={"x": 6}, scheme=oc.Exact(chunk=2000))
    assert whole.plan_for(wide, points).schedule.points == 2000
    np.testing.assert_allclose(divided(wide, points), whole(wide, points), rtol=1e-13)


def test_small_batches_budgets_and_several_devices_are_left_together(monkeypatch):
    points = jnp.ones((2000, 6))
    op = oc.compile("Δu", spaces={"x": 6})
    assert op.plan_for(wide, points[:100]).schedule.points == 100
    assert (
        oc.compile("Δu", spaces={"x": 6}, scheme=oc.Exact(memory="4GB")).plan_for(wide, points).schedule.points == 2000
    )
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    assert op.plan_for(wide, points).schedule.points == 2000


def test_a_loss_divides_its_points_once():
    points = jnp.asarray(RANDOM.normal(size=(2000, 6)) * 0.3)
    op = oc.compile("Δu", spaces={"x": 6})

    def loops(chunk):
        loss = lambda scale: oc.mean_squared(op, lambda x: scale * wide(x), points, chunk=chunk)
        return str(jax.make_jaxpr(loss)(1.0)).count("scan[")

    assert loops("auto") == 1
    assert loops(None) == 0
