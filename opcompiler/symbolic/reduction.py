"""`reduce`: a resolved text becomes contractions of derivative tensors and heads that combine them."""

from __future__ import annotations

from opcompiler.errors import LimitError
from opcompiler.ir.expression import System
from opcompiler.ir.normal_form import NormalForm
from opcompiler.symbolic.atoms import Atoms
from opcompiler.symbolic.calculus import Calculus
from opcompiler.symbolic.canonical import canonical
from opcompiler.symbolic.heads import Collector
from opcompiler.symbolic.outputs import output_of
from opcompiler.symbolic.pointwise import Pointwise
from opcompiler.symbolic.vocabulary import Vocabulary

__all__ = ["reduce"]


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
            output_of(vocabulary.evaluate(expression, source), expression.shape, vocabulary.tensors, collector)
            for expression, source in zip(system.expressions, sources, strict=True)
        )
        contractions, scalars, outputs = canonical(
            system.declarations, tuple(collector.contractions), collector.scalars, outputs
        )
    except RecursionError:
        raise LimitError("the expression is nested too deeply", hint="split it into several expressions") from None
    return NormalForm(system.declarations, contractions, scalars, outputs, system.labels)
