"""The one public function of planning: a normal form becomes a plan."""

from __future__ import annotations

from opcompiler.ir.algebra import Algebra, Element
from opcompiler.ir.cost import CPU
from opcompiler.ir.law import Auto
from opcompiler.ir.network import DEFAULT_PROFILE, NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Plan, Propagation
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.scheme import Exact, Scheme, Stochastic
from opcompiler.planning.alternatives import alternatives
from opcompiler.planning.bottleneck import compressed
from opcompiler.planning.cost import cost_of
from opcompiler.planning.labels import scalar_names
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.sampling.alternatives import estimate
from opcompiler.planning.sampling.auto import best, drawing, weighed_laws
from opcompiler.planning.sampling.rewrite import random_normal_form

__all__ = ["plan"]


def plan(
    normal_form: NormalForm,
    scheme: Scheme = Exact(),  # noqa: B008
    profile: NetworkProfile | None = None,
    sampling: Sampling | None = None,
) -> Plan:
    """Plan the evaluation of a normal form.

    Args:
        normal_form: contractions and heads.
        scheme: what was asked for; an estimator is planned as the random normal form that it draws.
        profile: the network u, as numbers; None assumes nothing of u.
        sampling: the estimator, where it is already chosen: another network must not change what is drawn.

    Returns:
        A plan with one joint propagation of all fields and one propagation per field that occurs, each over the
        smallest algebra that carries its contractions, with certificates.

    Raises:
        LimitError: the operator needs more coefficients than can be listed.
    """
    asked = normal_form
    if isinstance(scheme, Stochastic):
        sampling = sampling or _sampling(normal_form, scheme, profile or DEFAULT_PROFILE)
        normal_form = normal_form if sampling is None else sampling.normal_form
    numbered = tuple(enumerate(normal_form.contractions))
    fields = [field.name for field in normal_form.declarations.fields]
    used = [name for name in fields if any(contraction.field == name for _, contraction in numbered)]
    joint, certificate = _propagation(normal_form, tuple(used), profile)
    separate = {name: _propagation(normal_form, (name,), profile) for name in used} if len(used) > 1 else {}
    if len(used) == 1:
        separate = {used[0]: (joint, certificate)}
    chosen = profile or DEFAULT_PROFILE
    return Plan(
        normal_form=asked,
        scheme=scheme,
        joint=joint,
        separate=tuple(propagation for propagation, _ in separate.values()),
        certificate=certificate,
        field_certificates=tuple((name, own) for name, (_, own) in separate.items()),
        profile=chosen,
        cost=cost_of(joint, chosen),
        alternatives=alternatives(normal_form, certificate) if sampling is None else estimate(certificate, asked),
        sampling=sampling,
    )


def _sampling(normal_form: NormalForm, scheme: Stochastic, profile: NetworkProfile) -> Sampling | None:
    """Return the random normal form of a scheme, of the best law where the scheme leaves that open."""
    if not isinstance(scheme.law, Auto) or scheme.law.law is not None:
        return random_normal_form(normal_form, scheme)

    def price(sampling: Sampling) -> int:
        random = sampling.normal_form
        used = tuple(dict.fromkeys(contraction.field for contraction in random.contractions))
        propagation, _ = _propagation(random, used, profile)
        return sampling.repeats * (cost_of(propagation, profile).time + CPU.time(drawing(sampling, profile)))

    weighed = weighed_laws(normal_form, scheme, price)
    return best(weighed).sampling if weighed else random_normal_form(normal_form, scheme)


def _propagation(
    normal_form: NormalForm, fields: tuple[str, ...], profile: NetworkProfile | None
) -> tuple[Propagation, Certificate]:
    chosen = [(n, c) for n, c in enumerate(normal_form.contractions) if c.field in fields]
    if not chosen:
        value = Algebra((Element("1", 0),))
        return Propagation((), value, (), ()), Certificate(minimum=1, carried=1, by_order=(1,))
    propagation, certificate = minimal_algebra(chosen, normal_form.declarations, scalar_names(normal_form.scalars))
    if profile is None:
        return propagation, certificate
    return compressed(propagation, certificate, profile, normal_form.declarations)
