"""`reduce`: a resolved text becomes contractions of derivative tensors and heads that combine them."""

from __future__ import annotations

from math import prod

import numpy as np

from opcompiler.errors import LimitError
from opcompiler.ir.expression import System
from opcompiler.ir.head import Components, Head, HeadIndex, Output
from opcompiler.ir.normal_form import NormalForm
from opcompiler.symbolic.atoms import Atoms
from opcompiler.symbolic.calculus import Calculus
from opcompiler.symbolic.canonical import canonical
from opcompiler.symbolic.collect import Collector
from opcompiler.symbolic.pointwise import Pointwise
from opcompiler.symbolic.tensors import Tensor, axis_size
from opcompiler.symbolic.vocabulary import Vocabulary

__all__ = ["reduce"]

_AXIS_NAMES = "ijlmnpqr"
"""Labels of the axes of an output; sums inside are labelled k1, k2, …"""


def reduce(system: System) -> NormalForm:
    """Return the normal form of a text: every derivative worked out, the linear part lumped, coefficients exact.

    Args:
        system: the product of `parse`.

    Returns:
        Contractions, scalars and heads with the meaning given in `opcompiler.ir`; equal for equal operators,
        whatever the order of terms in the text.

    Raises:
        LimitError: the operator exceeds a limit of `opcompiler.symbolic.limits`, or divides by zero.
        UnsupportedError: a combination of large spaces that no indexed expression covers.
    """
    atoms = Atoms()
    pointwise = Pointwise(atoms)
    vocabulary = Vocabulary(system.declarations, Calculus(atoms, pointwise))
    collector = Collector(system.declarations, atoms, pointwise)
    sources = system.sources or ("",) * len(system.expressions)
    try:
        outputs = tuple(
            _output(vocabulary.evaluate(expression, source), expression.shape, vocabulary, collector)
            for expression, source in zip(system.expressions, sources, strict=True)
        )
        contractions, scalars, outputs = canonical(
            system.declarations, tuple(collector.contractions), tuple(collector.scalars), outputs
        )
    except RecursionError:
        raise LimitError("the expression is nested too deeply", hint="split it into several expressions") from None
    return NormalForm(system.declarations, contractions, scalars, outputs, system.labels)


def _output(tensor: Tensor, shape: tuple[int, ...], vocabulary: Vocabulary, collector: Collector) -> Output:
    for number, axis in enumerate(tensor.axes):
        if len(axis) > 1 and any(slot.label for slot in axis):
            tensor = vocabulary.tensors.written_out(tensor, number)
    labels = []
    for number, axis in enumerate(tensor.axes):
        name = _AXIS_NAMES[number] if number < len(_AXIS_NAMES) else f"i{number}"
        labels.append((name, axis_size(axis)))
        if axis and axis[0].label is not None:
            tensor = vocabulary.tensors.relabel(tensor, {axis[0].label: name})
    body = _body(tensor, tensor.entries, 0, labels, vocabulary, collector)
    if prod(shape) != prod(size for _, size in labels):
        raise AssertionError(f"an output of shape {shape} has axes {labels}")
    return Output(body, tuple(labels), shape)


def _body(
    tensor: Tensor,
    entries: np.ndarray,
    axis: int,
    labels: list[tuple[str, int]],
    vocabulary: Vocabulary,
    collector: Collector,
) -> Head:
    """Return the head of the entries along this and all later axes."""
    if axis == len(labels):
        return collector.output(entries.item())
    label, size = labels[axis]
    if tensor.axes[axis] and tensor.axes[axis][0].label is not None:
        return _body(tensor, entries[0], axis + 1, labels, vocabulary, collector)
    whole = _whole_field(entries, label, collector)
    if whole is not None:
        return _nested(whole, labels[axis + 1 :], tensor, axis + 1)
    parts = [
        _body(tensor, np.asarray(entries[n], dtype=object), axis + 1, labels, vocabulary, collector)
        for n in range(size)
    ]
    return Components(label, tuple(parts))


def _whole_field(entries: np.ndarray, label: str, collector: Collector) -> np.ndarray | None:
    """Return heads for the remaining axes when entry n along the first axis is one operator on component n."""
    flat = entries.reshape(entries.shape[0], -1)
    heads = np.empty(flat.shape[1], dtype=object)
    for column in range(flat.shape[1]):
        rows = [collector.linear_entry(e) for e in flat[:, column]]
        first = rows[0]
        if first is None:
            return None
        entry, terms = first
        declared = collector.declarations.field(entry.field).shape
        if declared != (len(rows),) or len(rows) < 1:
            return None
        for number, row in enumerate(rows):
            if row is None or row[1] != terms or row[0].field != entry.field or row[0].free != entry.free:
                return None
            if row[0].component != (number,):
                return None
        heads[column] = (entry, terms)
    for column in range(flat.shape[1]):
        heads[column] = collector.whole_field(*heads[column], label)
    return heads.reshape(entries.shape[1:])


def _nested(heads: np.ndarray, labels: list[tuple[str, int]], tensor: Tensor, axis: int) -> Head:
    if not labels:
        return heads.item()
    if tensor.axes[axis] and tensor.axes[axis][0].label is not None:
        return _nested(heads[0], labels[1:], tensor, axis + 1)
    return Components(
        labels[0][0],
        tuple(_nested(np.asarray(part, dtype=object), labels[1:], tensor, axis + 1) for part in heads),
    )
