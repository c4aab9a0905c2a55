"""Shapes, indexing, reductions, sorting, windows, convolutions, Fourier transforms and complex numbers."""

from __future__ import annotations

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp
from taylor.coverage.cases import Fixed, add, draw

from opcompiler.taylor.rows import rows_of

A = draw(2, 3)
B = draw(2, 3, salt=1)
V = draw(6, salt=2)
SQUARE = draw(3, 3, salt=3)
POSITIVE = draw(2, 3, low=0.4, high=1.8, salt=4)

# shapes -------------------------------------------------------------------------------------------------------------

for name, function in {
    "reshape": lambda x: jnp.sin(x.reshape(3, 2)) @ x,
    "ravel": lambda x: x.ravel() ** 2,
    "transpose": lambda x: jnp.exp(x.T) * 2,
    "squeeze": lambda x: jnp.squeeze(x[None] ** 2),
    "expand_dims": lambda x: jnp.expand_dims(x, 1) * x[:, :, None],
    "broadcast_to": lambda x: jnp.broadcast_to(x, (2, 2, 3)) ** 2,
    "tile": lambda x: jnp.tile(x**2, (2, 1)),
    "repeat": lambda x: jnp.repeat(x**2, 2, axis=1),
    "flip": lambda x: jnp.flip(x, 1) * x,
    "roll": lambda x: jnp.roll(x, 1, axis=1) * x,
    "rot90": lambda x: jnp.rot90(x) ** 2,
    "swapaxes": lambda x: jnp.swapaxes(x, 0, 1) ** 3,
    "moveaxis": lambda x: jnp.moveaxis(x[None], 0, 2) ** 2,
    "split": lambda x: [a * a for a in jnp.split(x, 3, axis=1)],
    "stack": lambda x: jnp.stack([x, x**2], 1),
    "diff": lambda x: jnp.diff(x**2, axis=1),
    "pad with zeros": lambda x: jnp.pad(x**2, ((1, 0), (0, 2))),
    "pad by edge": lambda x: jnp.pad(x**2, 1, mode="edge"),
    "pad by reflection": lambda x: jnp.pad(x**2, 1, mode="reflect"),
    "negative padding": lambda x: lax.pad(x**2, jnp.asarray(0.5, x.dtype), ((0, 0, 0), (-1, 2, 1))),
    "triu": lambda x: jnp.triu(x @ x.T),
    "tril": lambda x: jnp.tril(x @ x.T, -1),
    "diag": lambda x: jnp.diag(x[0] ** 2),
    "diagonal": lambda x: jnp.diagonal(x @ x.T),
    "trace": lambda x: jnp.trace(x @ x.T),
    "ediff1d": lambda x: jnp.ediff1d(x**2),
    "meshgrid": lambda x: jnp.meshgrid(x[0], x[1])[0] * jnp.meshgrid(x[0], x[1])[1],
    "vander": lambda x: jnp.vander(x[0], 4),
    "slices with strides": lambda x: x[::-1, ::2] ** 2,
    "unstack": lambda x: [a * a for a in jnp.unstack(x)],
    "gradient": lambda x: jnp.gradient(x**2, axis=1),
    "kron": lambda x: jnp.kron(x, x),
    "convolve": lambda x: jnp.convolve(x[0], x[1]),
    "correlate": lambda x: jnp.correlate(x[0], x[1], mode="full"),
    "column_stack": lambda x: jnp.column_stack([x, x**2]),
    "trapezoid": lambda x: jnp.trapezoid(x**2, axis=1),
    "array_split": lambda x: [a**2 for a in jnp.array_split(x, 2, 1)],
    "rev by lax": lambda x: lax.rev(x, (0, 1)) * x,
    "zeros_like": lambda x: jnp.zeros_like(x) + x**2,
    "astype int": lambda x: x * (3 * x).astype(jnp.int32),
}.items():
    add(name, "shapes", function, A)
add("concatenate", "shapes", lambda x, y: jnp.concatenate([x**2, y, jnp.ones((2, 1))], 1), A, B)
add("dstack", "shapes", lambda x, y: jnp.dstack([x, x * y]), A, B)
add("block", "shapes", lambda x, y: jnp.block([[x, y], [y**2, x]]), A, B)
add("append and insert", "shapes", lambda x, y: jnp.insert(jnp.append(x, y), 2, x[0] * y[0]), V[:3], V[3:])

# products -----------------------------------------------------------------------------------------------------------

for name, function in {
    "matmul": lambda x, y: x @ y.T,
    "dot": lambda x, y: jnp.dot(x, y.T),
    "tensordot": lambda x, y: jnp.tensordot(x, y, 2),
    "inner": jnp.inner,
    "einsum trace": lambda x, y: jnp.einsum("ij,ij->", x, y),
    "einsum outer": lambda x, y: jnp.einsum("ij,kl->ikjl", x, y),
    "einsum batch": lambda x, y: jnp.einsum("ij,ij->i", x, y),
    "einsum three": lambda x, y: jnp.einsum("ij,kj,kl->il", x, y, y),
    "gram": lambda x, y: x @ x.T @ y,
    "matmul by constant": lambda x, y: jnp.tanh(x @ jnp.ones((3, 2))) * y[:, :2],
    "constant left": lambda x, y: jnp.arange(4.0).reshape(2, 2) @ x * y,
    "matrix power": lambda x, y: jnp.linalg.matrix_power(x @ y.T, 3),
    "multi_dot": lambda x, y: jnp.linalg.multi_dot([x, y.T, x]),
    "batched dot": lambda x, y: lax.dot_general(x, y, (((1,), (1,)), ((0,), (0,)))),
    "ragged dot": lambda x, y: lax.ragged_dot(x, jnp.stack([y.T, 2 * y.T]), jnp.array([1, 1])),
}.items():
    # The ragged product has no batching rule, and the reference runs over a batch of curves.
    reference = (lambda x, y: jnp.stack([x[0] @ y.T, 2 * x[1] @ y.T])) if name == "ragged dot" else None
    add(name, "products", function, A, B, reference=reference)

# reductions ---------------------------------------------------------------------------------------------------------

for name, function in {
    "sum": lambda x: jnp.sum(x**2, 1),
    "mean": lambda x: jnp.mean(x**2, 0),
    "var": lambda x: jnp.var(x, 1),
    "std": lambda x: jnp.std(x, 1),
    "prod": lambda x: jnp.prod(x, 1),
    "prod of all": jnp.prod,
    "max": lambda x: jnp.max(x, 1),
    "min": lambda x: jnp.min(x**2),
    "ptp": lambda x: jnp.ptp(x, 1),
    "median": lambda x: jnp.median(x, 1),
    "quantile": lambda x: jnp.quantile(x, jnp.array([0.2, 0.7]), 1),
    "nansum": lambda x: jnp.nansum(x**2),
    "nanmean": lambda x: jnp.nanmean(x**2),
    "average": lambda x: jnp.average(x, 1, weights=jnp.array([1.0, 2.0, 3.0])),
    "cov": jnp.cov,
    "corrcoef": jnp.corrcoef,
    "cumsum": lambda x: jnp.cumsum(x**2, 1),
    "cumprod": lambda x: jnp.cumprod(x, 1),
    "cumsum reversed": lambda x: lax.cumsum(x**2, 1, reverse=True),
    "cumprod reversed": lambda x: lax.cumprod(x, 1, reverse=True),
    "cumlogsumexp": lambda x: lax.cumlogsumexp(x, 1),
    "cumlogsumexp reversed": lambda x: lax.cumlogsumexp(x, 1, reverse=True),
    "cummax": lambda x: lax.cummax(x, 1),
    "cummin": lambda x: lax.cummin(x, 1, reverse=True),
    "argmax indexing": lambda x: x[0, jnp.argmax(x[1])] ** 2,
    "norm": lambda x: jnp.linalg.norm(x),
    "norm of rows": lambda x: jnp.linalg.norm(x, axis=1),
    "norm 1": lambda x: jnp.linalg.norm(x, 1, axis=1),
    "norm inf": lambda x: jnp.linalg.norm(x, jnp.inf, axis=1),
    "norm 3": lambda x: jnp.linalg.norm(x, 3, axis=1),
    "sort": lambda x: jnp.sort(x, 1) ** 2,
    "sort descending": lambda x: jnp.sort(x, 1, descending=True) ** 2,
    "argsort": lambda x: x[0][jnp.argsort(x[1])] * x[1],
    "top_k": lambda x: lax.top_k(x, 2)[0] ** 2,
    "partition": lambda x: jnp.partition(x, 1, axis=1) ** 2,
    "sort by keys": lambda x: lax.sort((x[0], x[1], x[0] * x[1]), num_keys=1),
    "two sort keys": lambda x: lax.sort((jnp.round(x[0]), x[1], x[0] * x[1]), num_keys=2)[1:],
    "any and all": lambda x: x * jnp.any(x > 0) * jnp.all(x < 2),
    "reduce_and": lambda x: jnp.where(lax.reduce_and(x > -2, (0, 1)), x**2, x),
    "lax.reduce with add": lambda x: lax.reduce(x**2, 0.0, lax.add, (1,)),
    "lax.reduce with mul": lambda x: lax.reduce(x, 1.0, lax.mul, (1,)),
    "lax.reduce with max": lambda x: lax.reduce(x, -np.inf, lax.max, (1,)),
    "count_nonzero": lambda x: jnp.count_nonzero(x > 0) * x,
    "searchsorted": lambda x: x[0] * jnp.searchsorted(jnp.array([-0.5, 0.0, 0.5]), x[1]),
    "digitize": lambda x: x**2 * jnp.digitize(x, jnp.array([0.0, 0.5])),
    "lax.reduce by a program": lambda x: lax.reduce(x, np.zeros((), x.dtype), lambda a, b: a + b + 0.0 * a, (1,)),
    "approx_max_k": lambda x: lax.approx_max_k(x, 2)[0] ** 2,
}.items():
    add(name, "reductions", function, A)
add("prod with a zero", "reductions", jnp.prod, np.array([0.5, 0.0, -0.7, 1.2]))
add("cumprod with a zero", "reductions", jnp.cumprod, np.array([0.5, 0.0, -0.7, 1.2]))
add("max at a tie", "reductions", jnp.max, np.array([0.5, 0.5, -0.7]), limit=1)
add("geometric mean", "reductions", lambda x: jnp.exp(jnp.mean(jnp.log(x), 1)), POSITIVE)
add("entropy", "reductions", lambda x: -jnp.sum(x * jnp.log(x), 1), POSITIVE)
add("logcumsumexp by scan", "reductions", lambda x: lax.associative_scan(jnp.logaddexp, x, axis=1), A)
add("norm at a safe zero", "reductions", lambda x: jnp.sqrt(jnp.sum(x**2) + 1.0), np.zeros(3))

# indexing -----------------------------------------------------------------------------------------------------------

# JAX refuses to differentiate scatters that multiply or apply a function: the same, entry by entry.
WRITTEN_OUT = {
    "at multiply": lambda x, i: jnp.stack([x[0] * x[4], x[1], x[2] * x[3], x[3], x[4], x[5]]),
    "at multiply repeated": lambda x, i: jnp.stack([x[0] * x[4], x[1], x[2] * x[3] * x[5], x[3], x[4], x[5]]),
    "at divide": lambda x, i: jnp.stack([x[0] / (x[4] + 3), x[1], x[2] / (x[3] + 3), x[3], x[4], x[5]]),
    "at apply": lambda x, i: jnp.stack([jnp.sin(x[0]), x[1], jnp.sin(x[2]), x[3], x[4], x[5]]),
    "segment_prod": lambda x, i: jnp.stack([x[1], 1 + 0 * x[1], x[0] * x[2]]),
    "scatter_apply": lambda x, i: jnp.stack([jnp.exp(x[0]), x[1], x[2], x[3], jnp.exp(x[4]), x[5]]).reshape(3, 2),
}
INDEX = Fixed(np.array([2, 0, 2]))
for name, function in {
    "take": lambda x, i: jnp.take(x**2, i),
    "rows at known places": lambda x, i: rows_of(x.reshape(3, 2) ** 2, np.array([1, 0, 1])) * jnp.sum(i),
    "gather rows": lambda x, i: x.reshape(3, 2)[i] ** 2,
    "take_along_axis": lambda x, i: jnp.take_along_axis(x, i, 0) ** 2,
    "at set": lambda x, i: x.at[i[:2]].set(x[3:5] ** 2),
    "at add": lambda x, i: x.at[i].add(x[3:] ** 2),
    "at subtract": lambda x, i: x.at[i].subtract(x[3:] ** 2),
    "at multiply": lambda x, i: x.at[i[:2]].multiply(x[3:5]),
    "at multiply repeated": lambda x, i: x.at[i].multiply(x[3:]),
    "at divide": lambda x, i: x.at[i[:2]].divide(x[3:5] + 3),
    "at power": lambda x, i: (x + 2).at[i[:2]].power(2.0),
    "at max": lambda x, i: x.at[i].max(x[3:]),
    "at min": lambda x, i: x.at[i].min(x[3:]),
    "at apply": lambda x, i: x.at[i[:2]].apply(jnp.sin),
    "dynamic slice": lambda x, i: lax.dynamic_slice(x, (i[0],), (3,)) ** 2,
    "dynamic update": lambda x, i: lax.dynamic_update_slice(x, x[:2] ** 2, (i[0],)),
    "dynamic_index_in_dim": lambda x, i: lax.dynamic_index_in_dim(x**2, i[0]),
    "segment_sum": lambda x, i: jax.ops.segment_sum(x[:3] ** 2, i, 3),
    "segment_max": lambda x, i: jax.ops.segment_max(x[:3], i, 3)[jnp.array([0, 2])],
    "segment_prod": lambda x, i: jax.ops.segment_prod(x[:3], i, 3),
    "bincount weights": lambda x, i: jnp.bincount(i, weights=x[:3] ** 2, length=4),
    "choose": lambda x, i: jnp.choose(i, [x[:3], x[3:], x[:3] * x[3:]], mode="clip"),
    "boolean where": lambda x, i: jnp.where(i > 1, x[:3], x[3:] ** 2),
    "select list": lambda x, i: jnp.select([i > 1, i < 1], [x[:3], x[3:]], 0.0) ** 2,
    "two index arrays": lambda x, i: x.reshape(2, 3)[jnp.array([0, 1, 1]), i] ** 2,
    "out of bounds fill": lambda x, i: jnp.take(x, i * 4, mode="fill", fill_value=0.0) ** 2,
    "wrapped": lambda x, i: jnp.take(x, i * 4, mode="wrap") ** 2,
    "scatter rows": lambda x, i: jnp.zeros((3, 2)).at[i].add(x.reshape(3, 2) ** 2),
    "fill_diagonal": lambda x, i: jnp.fill_diagonal(x.reshape(2, 3), x[0] * x[1], inplace=False),
    "at get fill": lambda x, i: x.at[i + 4].get(mode="fill", fill_value=0) ** 2,
    "index of float position": lambda x, i: x[jnp.argmin(jnp.abs(x))] * x[i],
    "scatter_apply": lambda x, i: x.reshape(3, 2).at[i[:2], 0].apply(jnp.exp),
}.items():
    add(name, "indexing", function, V, INDEX, reference=WRITTEN_OUT.get(name))

# windows and convolutions -------------------------------------------------------------------------------------------

IMAGE = draw(1, 5, 4, 2, salt=7)
KERNEL = draw(2, 2, 2, 3, salt=8)
LAYOUT = ("NHWC", "HWIO", "NHWC")


def convolve(x, k, strides=(1, 1), padding="SAME", **options):
    return lax.conv_general_dilated(x, k.astype(x.dtype), strides, padding, dimension_numbers=LAYOUT, **options)


for name, function in {
    "conv by constant": lambda x: convolve(jnp.sin(x), KERNEL),
    "conv strided": lambda x: convolve(x, KERNEL, (2, 1), "VALID") ** 2,
    "conv dilated kernel": lambda x: convolve(x, KERNEL, padding="VALID", rhs_dilation=(2, 2)) ** 2,
    "conv transposed": lambda x: (
        lax.conv_transpose(x, KERNEL.astype(x.dtype), (2, 2), "SAME", dimension_numbers=LAYOUT) ** 2
    ),
    "conv grouped": lambda x: convolve(x, KERNEL[:, :, :1, :2], feature_group_count=2) ** 2,
    "conv dilated input": lambda x: convolve(x, KERNEL, padding=((1, 0), (0, 1)), lhs_dilation=(2, 1)) ** 2,
    "max pool": lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") ** 2,
    "min pool": lambda x: lax.reduce_window(x, jnp.inf, lax.min, (1, 2, 2, 1), (1, 1, 1, 1), "VALID") ** 2,
    "avg pool": lambda x: lax.reduce_window(x**2, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "SAME") / 4,
    "max pool padded": lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
    "product window": lambda x: lax.reduce_window(x, 1.0, lax.mul, (1, 2, 1, 1), (1, 1, 1, 1), "VALID"),
    "sum window dilated": lambda x: lax.reduce_window(
        x**2, 0.0, lax.add, (1, 2, 2, 1), (1, 1, 1, 1), "VALID", window_dilation=(1, 2, 1, 1)
    ),
    "patches": lambda x: lax.conv_general_dilated_patches(x, (2, 2), (1, 1), "VALID", dimension_numbers=LAYOUT) ** 2,
    "resize linear": lambda x: jax.image.resize(x, (1, 7, 4, 2), "linear") ** 2,
    "resize nearest": lambda x: jax.image.resize(x, (1, 3, 4, 2), "nearest") ** 2,
    "log-sum-exp window": lambda x: jnp.log(
        lax.reduce_window(jnp.exp(x), 0.0, lax.add, (1, 2, 2, 1), (1, 1, 1, 1), "VALID")
    ),
    "map_coordinates": lambda x: jax.scipy.ndimage.map_coordinates(
        x[0, :, :, 0], [x[0, :2, 0, 0] + 2.3, x[0, :2, 1, 1] + 1.6], 1
    ),
}.items():
    reference = (lambda x: x[:, :-1] * x[:, 1:]) if name == "product window" else None
    add(name, "windows", function, IMAGE, reference=reference)
add("conv of two variables", "windows", convolve, IMAGE, KERNEL)
add("conv of a variable kernel", "windows", lambda k: convolve(IMAGE, k, padding="VALID") ** 2, KERNEL)
add(
    "conv 1d",
    "windows",
    lambda x, k: lax.conv_general_dilated(x, k, (1,), "SAME"),
    draw(1, 2, 4),
    draw(3, 2, 2, salt=9),
)
add(
    "max pool gradient",
    "windows",
    lambda x: jax.grad(lambda y: jnp.sum(lax.reduce_window(y, -jnp.inf, lax.max, (2,), (1,), "VALID") ** 3))(x),
    V,
)
add(
    "max pool tangent",
    "windows",
    lambda x: jax.jvp(lambda y: lax.reduce_window(y, -jnp.inf, lax.max, (2,), (2,), "VALID") ** 3, (x,), (x**2,))[1],
    V,
)
add(
    "sum pool gradient",
    "windows",
    lambda x: jax.grad(lambda y: jnp.sum(lax.reduce_window(y, 0.0, lax.add, (2,), (1,), "VALID") ** 3))(x),
    V,
)
add("convolve signal", "windows", lambda x, y: jax.scipy.signal.fftconvolve(x, y), V, V[:3])

# Fourier transforms and complex numbers -----------------------------------------------------------------------------

for name, function in {
    "fft": lambda x: jnp.fft.fft(jnp.sin(x)),
    "ifft": lambda x: jnp.fft.ifft(x**2),
    "rfft": lambda x: jnp.fft.rfft(x**2),
    "irfft": lambda x: jnp.fft.irfft(x[:4] ** 2 + 1j * x[2:], 6),
    "fft2": lambda x: jnp.fft.fft2(x.reshape(2, 3) ** 2),
    "power spectrum": lambda x: jnp.abs(jnp.fft.rfft(x + 0.5)) ** 2,
    "fftshift": lambda x: jnp.fft.fftshift(x) ** 2,
    "hfft": lambda x: jnp.fft.hfft(x + 1j * x**2),
    "spectral derivative": lambda x: jnp.fft.irfft(1j * jnp.arange(4) * jnp.fft.rfft(jnp.sin(x)), 6),
    "spectral convolution": lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * jnp.fft.rfft(x**2), 6),
    "dct": lambda x: jax.scipy.fft.dct(x**2),
    "rfft2": lambda x: jnp.fft.rfft2(x.reshape(2, 3) ** 2),
    "complex product": lambda x: (x[:3] + 1j * x[3:]) * (x[3:] - 2j * x[:3]),
    "complex exp": lambda x: jnp.exp(1j * x),
    "complex log": lambda x: jnp.log(x + 2j),
    "complex abs": lambda x: jnp.abs(x + 1.5j),
    "angle": lambda x: jnp.angle(x + 1.5j),
    "complex sqrt": lambda x: jnp.sqrt(x + 1j),
    "complex power": lambda x: (x + 1j) ** 3 + (x + 2j) ** 1.5,
    "complex sin": lambda x: jnp.sin(x + 1j),
    "complex tanh": lambda x: jnp.tanh(x + 0.3j),
    "complex division": lambda x: (x + 1j) / (x**2 + 2 - 1j),
    "real and imag": lambda x: jnp.real(jnp.exp(1j * x)) * jnp.imag(jnp.log(x + 2j)),
    "conjugate": lambda x: jnp.conj(x + 1j * x**2) * (x + 1j),
    "complex cosh": lambda x: jnp.cosh(x * (1 + 1j)) + jnp.sinh(1j * x),
    "lax.complex": lambda x: lax.complex(jnp.sin(x), jnp.cos(2 * x)) ** 2,
    "complex matmul": lambda x: (x[:4].reshape(2, 2) * (1 + 1j)) @ (x[2:].reshape(2, 2) + 1j),
    "plane wave": lambda x: jnp.exp(1j * jnp.array([1.0, -2.0, 0.5]) @ x.reshape(3, 2)) * x[:2],
    "complex tan": lambda x: jnp.tan(x + 0.5j),
    "complex expm1 log1p": lambda x: jnp.expm1(x * 1j) + jnp.log1p(x + 1j),
    "complex arcsin": lambda x: jnp.arcsin(x + 0.5j) + jnp.arctan(x + 0.5j),
    "complex asinh": lambda x: jnp.arcsinh(x + 0.5j) + jnp.arctanh(x + 0.5j),
    "complex rsqrt": lambda x: lax.rsqrt(x + 1j) + lax.logistic(x + 1j),
}.items():
    add(name, "complex and Fourier", function, V)
add("complex sign", "complex and Fourier", lambda x: jnp.sign(x + 1j), V)
# JAX takes the wrong branch in the derivative of arccosh left of the imaginary axis.
add(
    "complex arccosh",
    "complex and Fourier",
    lambda x: jnp.arccosh(x + 2.5j),
    V,
    reference=lambda x: jnp.log(x + 2.5j + jnp.sqrt(x - 1 + 2.5j) * jnp.sqrt(x + 1 + 2.5j)),
)
add("complex variable", "complex and Fourier", lambda z: jnp.exp(z) * z**2 + 1 / (z + 3), V[:3] + 1j * V[3:])
