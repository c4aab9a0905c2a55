"""The one public function of planning: a normal form becomes a plan."""

from __future__ import annotations

from dataclasses import replace

from opcompiler.errors import LimitError
from opcompiler.ir.algebra import Algebra, Element
from opcompiler.ir.cost import CPU
from opcompiler.ir.directing import Directing
from opcompiler.ir.law import Auto
from opcompiler.ir.network import DEFAULT_PROFILE, NetworkProfile
from opcompiler.ir.normal_form import NormalForm
from opcompiler.ir.plan import Certificate, Plan, Propagation
from opcompiler.ir.sampling import Sampling
from opcompiler.ir.scheme import Exact, Scheme, Stochastic
from opcompiler.ir.strategy import Alternative
from opcompiler.planning.bottleneck import compressed
from opcompiler.planning.choice import Setting, choose
from opcompiler.planning.cost import cost_of
from opcompiler.planning.directing.rewrite import directed_normal_form
from opcompiler.planning.directing.weighing import cheaper, counted_directions, hopeless, with_directions
from opcompiler.planning.labels import scalar_names
from opcompiler.planning.minimal_algebra import minimal_algebra
from opcompiler.planning.sampling.alternatives import estimate
from opcompiler.planning.sampling.auto import best, drawing, weighed_laws
from opcompiler.planning.sampling.rewrite import random_normal_form
from opcompiler.planning.strategies import DIRECTED, forced, weigh

__all__ = ["plan"]


def plan(
    normal_form: NormalForm,
    scheme: Scheme = Exact(),  # noqa: B008
    profile: NetworkProfile | None = None,
    sampling: Sampling | None = None,
    *,
    device: str = "cpu",
    precision: str = "float32",
    directed: bool | None = None,
) -> Plan:
    """Plan the evaluation of a normal form.

    Args:
        normal_form: contractions and heads.
        scheme: what was asked for; an estimator is planned as the random normal form that it draws.
        profile: the network u, as numbers; None assumes nothing of u.
        sampling: the estimator, where it is already chosen: another network must not change what is drawn.
        device: kind of device whose rates decide between strategies.
        precision: name of the floating type, which decides how much rounding may be amplified.
        directed: whether an exact plan goes along directions given at call; None takes what is cheaper.

    Returns:
        A plan with one joint propagation of all fields and one propagation per field that occurs, each by the cheapest
        strategy, with certificates; every strategy that was weighed for the joint one.

    Raises:
        LimitError: the operator needs more coefficients than can be listed.
        UnsupportedError: the strategy of the scheme does not exist, or does not apply.
    """
    strategy = scheme.strategy if isinstance(scheme, Exact) else None
    if isinstance(scheme, Stochastic) or directed is False or strategy not in (None, DIRECTED):
        return _planned(normal_form, scheme, profile, sampling, device, precision)
    directing = directed_normal_form(normal_form)
    if directing is None:
        return _planned(normal_form, scheme, profile, None, device, precision)
    along = _along(normal_form, directing, scheme, profile, device)
    reason = hopeless(normal_form, along.certificate)
    if reason is not None:
        return cheaper(along, reason, asked_for=True)
    try:
        ordinary = _planned(normal_form, replace(scheme, strategy=None), profile, None, device, precision)
    except LimitError as error:
        return cheaper(along, error.problem, asked_for=True)
    return cheaper(along, replace(ordinary, scheme=scheme), asked_for=bool(directed or strategy))


def _along(
    normal_form: NormalForm, directing: Directing, scheme: Scheme, profile: NetworkProfile | None, device: str
) -> Plan:
    """Return the plan along directions given at call."""
    directed = directing.normal_form
    used = [f.name for f in directed.declarations.fields if any(c.field == f.name for c in directed.contractions)]
    found = {names: _propagation(directed, names, profile) for names in (tuple(used), *((name,) for name in used))}
    run = {
        names: (replace(propagation, strategy=DIRECTED), counted_directions(certificate))
        for names, (propagation, certificate) in found.items()
    }
    joint, certificate = run[tuple(used)]
    known = profile or DEFAULT_PROFILE
    return Plan(
        normal_form=normal_form,
        scheme=scheme,
        joint=joint,
        separate=tuple(run[name,][0] for name in used),
        certificate=certificate,
        field_certificates=tuple((name, run[name,][1]) for name in used),
        profile=known,
        cost=with_directions(cost_of(joint, known, device), directing, known, device),
        device=device,
        directing=directing,
    )


def _planned(
    normal_form: NormalForm,
    scheme: Scheme,
    profile: NetworkProfile | None,
    sampling: Sampling | None,
    device: str,
    precision: str,
) -> Plan:
    """Return the plan in coordinates, or of the random normal form of an estimator."""
    asked = normal_form
    if isinstance(scheme, Stochastic):
        sampling = sampling or _sampling(normal_form, scheme, profile or DEFAULT_PROFILE)
        normal_form = normal_form if sampling is None else sampling.normal_form
    numbered = tuple(enumerate(normal_form.contractions))
    fields = [field.name for field in normal_form.declarations.fields]
    used = [name for name in fields if any(contraction.field == name for _, contraction in numbered)]
    setting = Setting(profile or DEFAULT_PROFILE, device, precision)
    joint, certificate, weighed = _chosen(normal_form, tuple(used), profile, scheme, setting)
    separate = {name: _alone(normal_form, name, profile, scheme, setting) for name in used} if len(used) > 1 else {}
    if len(used) == 1:
        separate = {used[0]: (joint, certificate)}
    return Plan(
        normal_form=asked,
        scheme=scheme,
        joint=joint,
        separate=tuple(propagation for propagation, _ in separate.values()),
        certificate=certificate,
        field_certificates=tuple((name, own) for name, (_, own) in separate.items()),
        profile=setting.profile,
        cost=cost_of(joint, setting.profile, device),
        alternatives=weighed if sampling is None else estimate(joint, certificate, asked, sampling, profile, device),
        device=device,
        sampling=sampling,
    )


def _chosen(
    normal_form: NormalForm, fields: tuple[str, ...], profile: NetworkProfile | None, scheme: Scheme, setting: Setting
) -> tuple[Propagation, Certificate, tuple[Alternative, ...]]:
    """Return the propagation that is run, its certificate and what was weighed."""
    match scheme:
        case Exact(strategy, search_nodes):
            if strategy is not None:
                forced(normal_form, fields, strategy, profile, search_nodes)
            weighed = weigh(normal_form, fields, profile, search_nodes)
            candidate, told = choose(weighed, replace(setting, strategy=strategy))
            certificate = candidate.certificate
            if candidate.propagation.gradients:
                certificate = replace(certificate, scope=f"{certificate.scope}, before the reverse sweep")
            return candidate.propagation, certificate, told
        case Stochastic():
            return *_propagation(normal_form, fields, profile), ()


def _alone(
    normal_form: NormalForm, field: str, profile: NetworkProfile | None, scheme: Scheme, setting: Setting
) -> tuple[Propagation, Certificate]:
    """Return the propagation of one field by itself, by the strategy of the scheme if that applies to this field."""
    if isinstance(scheme, Exact) and scheme.strategy is not None:
        weighed = weigh(normal_form, (field,), profile, scheme.search_nodes)
        if all(candidate.strategy != scheme.strategy for candidate in weighed.candidates):
            scheme = Exact(search_nodes=scheme.search_nodes)
    propagation, certificate, _ = _chosen(normal_form, (field,), profile, scheme, setting)
    return propagation, certificate


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
