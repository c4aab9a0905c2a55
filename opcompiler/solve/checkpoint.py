"""Checkpoints that are whole at every moment: written beside the old one, then put in its place in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from opcompiler.errors import ArgumentTypeError, OpCompilerError
from opcompiler.solve.extras import load

__all__ = ["Checkpoint", "CheckpointError", "read", "replace_file", "write"]

VERSION = 1


class CheckpointError(OpCompilerError, ValueError):
    """A checkpoint cannot be read, or belongs to another run."""

    kind = "unsupported"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run between two steps.

    Attributes:
        step: number of steps done.
        seconds: time they took.
        run: what determines the run: problem, network, settings.
        state: pytree of arrays.
    """

    step: int
    seconds: float
    run: Mapping[str, Any]
    state: Any


def replace_file(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    """Write a file so that a reader, and a crash at any moment, finds either the old one or the new one whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint: one line of JSON, then the leaves of the state."""
    header = {
        "version": VERSION,
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "run": dict(checkpoint.run),
    }

    def fill(file: BinaryIO) -> None:
        file.write(json.dumps(header, ensure_ascii=False).encode() + b"\n")
        load("equinox").tree_serialise_leaves(file, checkpoint.state)

    replace_file(path, fill)


def read(path: Path, run: Mapping[str, Any], like: Any) -> Checkpoint:
    """Read the checkpoint of a run.

    Args:
        path: the file.
        run: what determines the run that goes on.
        like: a state with the structure, shapes and types of the one that was written.

    Raises:
        CheckpointError: the file is damaged, or was written by a run with another problem, network or settings.
    """
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline())
            if not isinstance(header, dict) or header.get("version") != VERSION:
                raise CheckpointError(f"{path} is no checkpoint of this version")
            _same_run(path, header["run"], json.loads(json.dumps(dict(run))))
            state = load("equinox").tree_deserialise_leaves(file, like)
            return Checkpoint(int(header["step"]), float(header["seconds"]), run, state)
    except (CheckpointError, ArgumentTypeError, OSError):
        raise
    except (ValueError, KeyError, EOFError, RuntimeError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint of this run: {error}", hint="start again in another directory"
        ) from error


def _same_run(path: Path, written: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    different = [name for name in {**written, **now} if written.get(name) != now.get(name)]
    if different:
        changes = ", ".join(f"{name} {written.get(name)!r} → {now.get(name)!r}" for name in different)
        raise CheckpointError(
            f"{path} belongs to another run: {changes}",
            hint="resume with the same settings, or start again in another directory",
        )
