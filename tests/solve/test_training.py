"""Training: it learns, stops when it must, and goes on after a kill as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import opcompiler as oc
from opcompiler.solve import Ball, CheckpointError, DivergenceError, Settings, equation, network, problem, train
from opcompiler.solve.checkpoint import Checkpoint, read, replace_file, write
from opcompiler.solve.networks import BlockShared
from opcompiler.solve.records import read_log

SETTINGS = Settings(steps=20, points=8, boundary_points=4, test_points=8, log_every=2, checkpoint_every=5)


@pytest.fixture(scope="module")
def poisson():
    return problem("poisson-two-body", 3)


def tiny(given, seed: int = 0):
    return network(given, jax.random.key(seed), width=4, depth=1)


def same(a, b) -> bool:
    return all(
        np.array_equal(np.asarray(x), np.asarray(y)) and x.dtype == y.dtype
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
        if hasattr(x, "dtype")
    )


def timeless(path: Path) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in read_log(path / "log.csv")]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_a_resumed_run_equals_the_uninterrupted_one(poisson, tmp_path: Path):
    def kill(step: int, loss: float) -> None:
        if step == 14:
            raise Killed

    whole = train(poisson, SETTINGS, tiny(poisson), directory=tmp_path / "whole")
    with pytest.raises(Killed):
        train(poisson, SETTINGS, tiny(poisson), directory=tmp_path / "cut", watch=kill)
    resumed = train(poisson, SETTINGS, tiny(poisson), directory=tmp_path / "cut", resume=True)
    assert same(resumed.network, whole.network)
    assert timeless(tmp_path / "cut") == timeless(tmp_path / "whole")
    assert resumed.loss == whole.loss
    assert (tmp_path / "cut" / "slice.png").stat().st_size > 1000
    assert (tmp_path / "cut" / "training.png").stat().st_size > 1000
    again = train(poisson, SETTINGS, tiny(poisson), directory=tmp_path / "cut", resume=True)
    assert same(again.network, whole.network)
    assert again.judgement == whole.judgement


def test_a_process_that_is_killed_leaves_a_checkpoint_that_can_be_resumed(poisson, tmp_path: Path):
    code = (
        "import jax; jax.config.update('jax_enable_x64', True)\n"
        "from opcompiler.solve import *\n"
        "given = problem('poisson-two-body', 3)\n"
        "settings = Settings(steps=100_000_000, schedule='constant', points=8, boundary_points=4, test_points=8,\n"
        "                    log_every=5, checkpoint_every=5)\n"
        f"train(given, settings, network(given, jax.random.key(0), width=4, depth=1), directory={str(tmp_path)!r})"
    )
    path = tmp_path / "checkpoint.eqx"
    with subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.getcwd()}) as process:
        for _ in range(600):
            if path.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert path.exists()
    header = path.read_bytes().split(b"\n", 1)[0]
    assert b'"step": ' in header
    step = int(header.split(b'"step": ')[1].split(b",")[0])
    assert step % 5 == 0
    assert {row["step"] for row in read_log(tmp_path / "log.csv")} >= {5}


def test_a_crash_while_writing_keeps_the_old_file(tmp_path: Path):
    path = tmp_path / "file"
    replace_file(path, lambda file: file.write(b"old") and None)

    def fail(file) -> None:
        file.write(b"half of the n")
        raise Killed

    with pytest.raises(Killed):
        replace_file(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_is_read_back_bit_for_bit(tmp_path: Path):
    state = {"a": jnp.array([1.0, 1 / 3]), "b": (jnp.array(3), jnp.zeros((0, 2), jnp.float32))}
    write(tmp_path / "c", Checkpoint(7, 1.5, {"seed": 1}, state))
    known = read(tmp_path / "c", {"seed": 1}, jax.tree.map(jnp.zeros_like, state))
    assert (known.step, known.seconds) == (7, 1.5)
    assert same(known.state, state)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path):
    state = [jnp.ones(2)]
    write(tmp_path / "c", Checkpoint(7, 1.5, {"seed": 1}, state))
    with pytest.raises(CheckpointError, match="seed 1 → 2"):
        read(tmp_path / "c", {"seed": 2}, state)
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read(tmp_path / "c", {"seed": 1}, state)
    (tmp_path / "c").write_bytes(b"\x00\xff")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read(tmp_path / "c", {"seed": 1}, state)


def test_a_torn_last_line_of_a_log_is_left_out(tmp_path: Path):
    (tmp_path / "log").write_text("step,loss\n1,0.5\n2,0.2", "utf-8")
    assert read_log(tmp_path / "log") == [{"step": 1, "loss": 0.5}]


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path: Path):
    def exploding(x: jax.Array) -> jax.Array:
        return jnp.where(jnp.sum(x * x) > 0.999, jnp.nan, 1.0)

    given = equation("Δu = g", spaces={"x": 2}, domain=Ball(2), functions={"g(x)": exploding})
    settings = Settings(steps=400, points=50, log_every=1, checkpoint_every=1, test_points=4)
    with pytest.raises(
        DivergenceError, match=r"loss is nan at step \d+ of equation; the last good checkpoint"
    ) as error:
        train(given, settings, tiny(given), directory=tmp_path)
    assert "learning rate" in str(error.value)
    rows = read_log(tmp_path / "log.csv")
    header = (tmp_path / "checkpoint.eqx").read_bytes().split(b"\n", 1)[0]
    assert f'"step": {rows[-1]["step"]},'.encode() in header
    assert all(np.isfinite(row["loss"]) for row in rows)


def test_training_learns():
    given = problem("allen-cahn-two-body", 3)
    settings = Settings(steps=200, points=32, learning_rate=1e-2, log_every=10, test_points=100)
    result = train(given, settings, network(given, jax.random.key(0), width=16, depth=2))
    assert result.judgement.relative_l2 < 0.05 < 0.1 < result.rows[0]["relative_l2"]
    assert [row["learning_rate"] for row in result.rows] == sorted(
        (r["learning_rate"] for r in result.rows), reverse=True
    )


@pytest.mark.parametrize("boundary", ["hard", "soft"])
def test_boundaries(poisson, boundary: str):
    settings = Settings(steps=2, points=4, log_every=1, boundary=boundary, test_points=4)
    result = train(poisson, settings, tiny(poisson))
    assert ("sphere" in result.rows[0]) == (boundary == "soft")
    on_sphere = jnp.array([0.0, 0.6, 0.8])
    assert (abs(float(result.u(on_sphere))) < 1e-12) == (boundary == "hard")


def test_weights_are_shared_by_blocks_of_coordinates():
    layer = BlockShared(jax.random.key(0), 7, 5, block=3)
    kernel = jnp.kron(layer.mixing.weight, layer.shared)[:, :7]
    x = jnp.arange(7.0)
    np.testing.assert_allclose(layer(x), kernel @ x, rtol=1e-12)
    assert sum(leaf.size for leaf in jax.tree.leaves(layer)) == 3 + 5 * 3 + 5
    with pytest.raises(oc.ArgumentTypeError, match="blocks of 8"):
        BlockShared(jax.random.key(0), 7, 5, block=8)


@pytest.mark.parametrize("shape", [{"kind": "modified"}, {"block": 2}])
def test_other_networks_train(poisson, shape: dict):
    net = network(poisson, jax.random.key(0), width=4, depth=2, **shape)
    result = train(poisson, Settings(steps=2, points=4, log_every=1, test_points=4), net)
    assert result.loss > 0
    assert not same(result.network, net)


def test_any_callable_pytree_trains(poisson):
    def apply(variables: dict, x: jax.Array) -> jax.Array:
        return variables["out"] @ jnp.tanh(variables["in"] @ x)

    net = jax.tree_util.Partial(apply, {"in": jnp.eye(3), "out": jnp.ones(3)})
    result = train(poisson, Settings(steps=3, points=4, log_every=1, test_points=4), net)
    assert same(net, jax.tree_util.Partial(apply, {"in": jnp.eye(3), "out": jnp.ones(3)}))
    assert result.rows[-1]["step"] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 1.5},
        {"log_every": 0},
        {"schedule": "sometimes"},
        {"boundary": "firm"},
        {"points": 0},
        {"learning_rate": float("nan")},
        {"learning_rate": -1.0},
        {"seed": "one"},
        {"scheme": "exact"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(poisson, wrong: dict):
    with pytest.raises(oc.ArgumentTypeError):
        train(poisson, Settings(**wrong), tiny(poisson))


def test_nothing_is_resumed_without_a_directory(poisson):
    with pytest.raises(oc.ArgumentTypeError, match="directory"):
        train(poisson, SETTINGS, resume=True)


def test_what_is_no_problem_and_what_are_no_settings_is_refused(poisson):
    with pytest.raises(oc.ArgumentTypeError, match="no problem"):
        train("poisson-two-body")
    with pytest.raises(oc.ArgumentTypeError, match="no settings"):
        train(poisson, {"steps": 1})
    with pytest.raises(oc.ArgumentTypeError, match="no network"):
        train(poisson, SETTINGS, "mlp")
    with pytest.raises(oc.ArgumentTypeError, match="width"):
        network(poisson, jax.random.key(0), width=0)
