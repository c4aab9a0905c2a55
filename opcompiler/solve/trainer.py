"""Training: Adam on the loss of a problem, resumable at every checkpoint bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias, assert_never, get_args

import jax
import jax.numpy as jnp

from opcompiler.errors import ArgumentTypeError, OpCompilerError
from opcompiler.ir.scheme import Exact, Scheme
from opcompiler.solve import checkpoint as checkpoints
from opcompiler.solve.checks import require_count, require_positive
from opcompiler.solve.extras import load
from opcompiler.solve.judging import Judgement, Test
from opcompiler.solve.loss import Boundary, Loss, loss_of
from opcompiler.solve.networks import network as random_network
from opcompiler.solve.progress import progress_bar
from opcompiler.solve.records import Log
from opcompiler.solve.statement import Field, Problem

__all__ = ["DivergenceError", "Result", "Schedule", "Settings", "train"]

Schedule: TypeAlias = Literal["constant", "linear", "cosine", "exponential"]

_EXPONENTIAL_END = 0.01
"""Final over initial learning rate of the exponential schedule."""


_EXACT = Exact()


class DivergenceError(OpCompilerError, ArithmeticError):
    """The loss is not finite any more."""

    kind = "limit"


@dataclass(frozen=True)
class Settings:
    """How a problem is trained. Equal settings give equal runs.

    Attributes:
        steps: of Adam.
        points: of the residual, drawn anew every step.
        boundary_points: of each condition in the loss.
        learning_rate: at the beginning.
        schedule: "linear" and "cosine" fall to 0 at the last step, "exponential" to a hundredth.
        scheme: `Exact()`, or `Stochastic(samples=…)` to estimate the operator.
        unbiased: see `Loss`.
        boundary: "hard" builds conditions into u where the problem knows how to, "soft" puts them into the loss.
        seed: of points and draws, and of the network if none is given.
        test_points: at which errors are judged.
        log_every: steps between rows of the log.
        checkpoint_every: steps between checkpoints.
    """

    steps: int = 10_000
    points: int = 100
    boundary_points: int = 100
    learning_rate: float = 1e-3
    schedule: Schedule = "linear"
    scheme: Scheme = _EXACT
    unbiased: bool = True
    boundary: Boundary = "hard"
    seed: int = 0
    test_points: int = 1000
    log_every: int = 100
    checkpoint_every: int = 1000

    def __post_init__(self) -> None:
        """Refuse counts that are not positive, and a learning rate, seed or schedule that is none."""
        for name in ("steps", "points", "boundary_points", "test_points", "log_every", "checkpoint_every"):
            require_count(name, getattr(self, name))
        require_count("seed", self.seed, least=0)
        require_positive("learning_rate", self.learning_rate)
        if self.schedule not in get_args(Schedule):
            raise ArgumentTypeError(f"no schedule is called {self.schedule!r}", hint=", ".join(get_args(Schedule)))


@dataclass(frozen=True, eq=False)
class Result:
    """A trained network.

    Attributes:
        network: the trained pytree.
        u: the function of one point that it stands for, hard constraints included.
        judgement: its errors.
        loss: the loss of the last step.
        rows: the log.
        seconds_per_step: median over the log intervals of this process but the first, which compiles.
    """

    network: Any
    u: Field
    judgement: Judgement
    loss: float
    rows: list[dict[str, float | None]]
    seconds_per_step: float


def train(
    problem: Problem,
    settings: Settings | None = None,
    network: Any = None,
    *,
    directory: str | Path | None = None,
    resume: bool = False,
    show_progress: bool | None = None,
    watch: Callable[[int, float], None] | None = None,
) -> Result:
    """Train a network on a problem.

    Args:
        problem: what is solved.
        settings: how.
        network: a callable pytree of one point (an equinox module; a flax module as
            `jax.tree_util.Partial(module.apply, variables)`); by default a tanh network of 4 layers of 128 neurons.
        directory: where checkpoint, log.csv and pictures go; None writes nothing.
        resume: go on from the checkpoint in `directory`, if there is one. The run ends as it would have without a
            break, bit for bit on the same machine.
        show_progress: by default only on a terminal.
        watch: called with (step, loss) whenever a row is logged.

    Raises:
        ArgumentTypeError: problem, settings or network are something else; there is nothing to resume.
        DivergenceError: the loss is not finite; the last checkpoint is kept.
        CheckpointError: the checkpoint belongs to another run, or there is one and it is not resumed.
        MissingExtraError: the extra [solve] is not installed.
    """
    for library in ("equinox", "optax", "tqdm", *(["matplotlib"] if directory is not None else [])):
        load(library)  # what is missing is missed before hours of training
    if not isinstance(problem, Problem):
        raise ArgumentTypeError(f"{problem!r} is no problem", hint='problem("kdv"), or equation(…)')
    settings = settings or Settings()
    if not isinstance(settings, Settings):
        raise ArgumentTypeError(f"{settings!r} are no settings", hint="Settings(steps=1000)")
    if resume and directory is None:
        raise ArgumentTypeError("there is nothing to resume without a directory", hint="name that of the first run")
    if network is not None and not callable(network):
        raise ArgumentTypeError(f"{network!r} is no network", hint="a callable pytree of one point, or None")
    if network is None:
        network = random_network(problem, jax.random.key(settings.seed))
    run = _Run(problem, settings, network, Path(directory) if directory is not None else None)
    return run.go(resume, show_progress, watch)


class _Run:
    """One training run: the compiled step, and where its state is kept."""

    def __init__(self, problem: Problem, settings: Settings, network: Any, directory: Path | None) -> None:
        equinox, optax = load("equinox"), load("optax")
        self.problem, self.settings, self.directory = problem, settings, directory
        self.loss: Loss = loss_of(
            problem,
            scheme=settings.scheme,
            points=settings.points,
            boundary_points=settings.boundary_points,
            boundary=settings.boundary,
            unbiased=settings.unbiased,
        )
        self.parameters, self.rest = equinox.partition(network, equinox.is_inexact_array)
        self.combine = equinox.combine
        self.rate = _rate(settings)
        self.optimiser = optax.adam(self.rate)
        self.step = jax.jit(self._step, donate_argnums=(0, 1))
        self.solution = lambda parameters: self.loss.solution(self.combine(parameters, self.rest))
        self.test = Test(problem, self.solution, settings.seed, settings.test_points)
        self.identity = _identity(problem, settings, self.parameters)

    def _step(self, parameters: Any, state: Any, key: jax.Array) -> tuple[Any, Any, dict[str, jax.Array]]:
        def total(parameters: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
            terms = self.loss(self.combine(parameters, self.rest), key)
            return sum(terms.values(), jnp.zeros(())), terms

        (value, terms), gradient = jax.value_and_grad(total, has_aux=True)(parameters)
        updates, state = self.optimiser.update(gradient, state, parameters)
        parameters = jax.tree.map(jnp.add, parameters, updates)
        return parameters, state, {"loss": value, **terms}

    def go(self, resume: bool, show_progress: bool | None, watch: Callable[[int, float], None] | None) -> Result:
        settings = self.settings
        # Copies: the step donates its arguments, and the network belongs to the caller.
        parameters = jax.tree.map(jnp.copy, self.parameters)
        state = self.optimiser.init(parameters)
        start, before = 0, 0.0
        if self.directory is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
            path = self.directory / "checkpoint.eqx"
            if path.exists():
                if not resume:
                    raise checkpoints.CheckpointError(
                        f"{self.directory} holds an earlier run, which would be lost",
                        hint="resume it, or name another directory",
                    )
                known = checkpoints.read(path, self.identity, (parameters, state))
                start, before, (parameters, state) = known.step, known.seconds, known.state
        log = Log(self._columns(), self._file("log.csv"), resumed_at=start or None)
        root = jax.random.key(settings.seed)
        clock, intervals = time.perf_counter(), []
        logged, values, judgement = start, {}, Judgement()
        with progress_bar(self.problem.name, settings.steps, start, show_progress) as tell:
            began = clock
            for step in range(start + 1, settings.steps + 1):
                parameters, state, values = self.step(parameters, state, jax.random.fold_in(root, step))
                saving = step % settings.checkpoint_every == 0 or step == settings.steps
                if not (saving or step % settings.log_every == 0):
                    continue
                loss = self._finite(step, parameters, values)
                now = time.perf_counter()
                intervals.append((now - clock) / (step - logged))
                judgement = self.test.judge(parameters)
                seconds = before + now - began
                log.add(self._row(step, values, judgement, seconds))
                if saving:
                    self._save(step, seconds, parameters, state)
                tell(step, loss, judgement)
                if watch is not None:
                    watch(step, loss)
                clock, logged = time.perf_counter(), step
        if not values:
            judgement = self.test.judge(parameters)
        final = log.rows[-1]["loss"] if log.rows else None
        result = Result(
            network=self.combine(parameters, self.rest),
            u=self.solution(parameters),
            judgement=judgement,
            loss=math.nan if final is None else float(final),
            rows=log.rows,
            seconds_per_step=median(intervals[1:] or intervals or [0.0]),
        )
        self._draw(result)
        return result

    def _columns(self) -> list[str]:
        conditions = [condition.name for condition, _ in self.loss.conditions]
        errors = ["relative_l1", "relative_l2", "reference_error"]
        return ["step", "loss", "residual", *conditions, *errors, "learning_rate", "seconds"]

    def _row(
        self, step: int, values: dict[str, jax.Array], judgement: Judgement, seconds: float
    ) -> dict[str, float | None]:
        return {
            "step": step,
            **{name: float(value) for name, value in values.items()},
            "relative_l1": judgement.relative_l1,
            "relative_l2": judgement.relative_l2,
            "reference_error": judgement.reference,
            "learning_rate": float(self.rate(step - 1)),
            "seconds": round(seconds, 3),
        }

    def _finite(self, step: int, parameters: Any, values: dict[str, jax.Array]) -> float:
        """Return the loss, if it and all parameters are finite."""
        loss = float(values["loss"])
        if math.isfinite(loss) and all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(parameters)):
            return loss
        path = self._file("checkpoint.eqx")
        kept = f"the last good checkpoint is {path}" if path is not None and path.exists() else "there is no checkpoint"
        what = f"the loss is {loss}" if not math.isfinite(loss) else "the network has weights that are not finite"
        raise DivergenceError(
            f"{what} at step {step} of {self.problem.name}; {kept}",
            hint="try a smaller learning rate, or check that the equation is finite on the whole domain",
        )

    def _save(self, step: int, seconds: float, parameters: Any, state: Any) -> None:
        path = self._file("checkpoint.eqx")
        if path is not None:
            checkpoints.write(path, checkpoints.Checkpoint(step, seconds, self.identity, (parameters, state)))

    def _draw(self, result: Result) -> None:
        if self.directory is None:
            return
        from opcompiler.solve.plots import plot_log, plot_slice

        plot_log(self.directory / "training.png", result.rows, self.problem.name)
        plot_slice(self.directory / "slice.png", self.problem, result.u, jax.random.key(self.settings.seed))

    def _file(self, name: str) -> Path | None:
        return None if self.directory is None else self.directory / name


def _rate(settings: Settings) -> Callable[[Any], Any]:
    """Return the learning rate by step."""
    optax = load("optax")
    rate, steps = settings.learning_rate, settings.steps
    match settings.schedule:
        case "constant":
            return optax.constant_schedule(rate)
        case "linear":
            return optax.linear_schedule(rate, 0.0, steps)
        case "cosine":
            return optax.cosine_decay_schedule(rate, steps)
        case "exponential":
            return optax.exponential_decay(rate, steps, _EXPONENTIAL_END)
        case other:
            assert_never(other)


def _identity(problem: Problem, settings: Settings, parameters: Any) -> dict[str, Any]:
    """Return all that determines a run, as JSON; how often it is logged or saved does not."""
    own = asdict(settings) | {"scheme": repr(settings.scheme)}
    shapes = [f"{leaf.dtype}{list(leaf.shape)}" for leaf in jax.tree.leaves(parameters)]
    spaces = {name: shape if shape is None else str(shape) for name, shape in problem.spaces.items()}
    described = {"problem": problem.name, "text": list(problem.equations), "spaces": spaces, "network": shapes}
    return described | {name: own[name] for name in own if name not in ("log_every", "checkpoint_every", "test_points")}
