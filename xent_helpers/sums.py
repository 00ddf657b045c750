"""Sums that keep their digits in every array library: along memory, and in float32 or wider.

NumPy adds numbers that lie side by side in memory in pairs, so the rounding error hardly grows with their count. Along
any other axis it adds one by one, and either way it adds in the array's own type, so float16 sums overflow at 65,504.
"""

from typing import Any

from array_api_compat import array_namespace

Array = Any  # any array of a library that follows the Python array API standard


def widened(x: Array, dtype: Any = None) -> Array:
    """Cast to the type to compute in: ``dtype``, else that of ``x``, but at least float32. May be ``x`` itself."""
    xp = array_namespace(x)
    return xp.astype(x, xp.result_type(x.dtype if dtype is None else dtype, xp.float32), copy=False)


def side_by_side(x: Array, axis: int = -1) -> Array:
    """Move one axis to the end, its entries side by side in memory: a copy only where they are not."""
    xp = array_namespace(x)
    if axis not in (-1, x.ndim - 1):  # permute_dims, because torch.func.vmap has no moveaxis
        x = xp.permute_dims(x, [i for i in range(x.ndim) if i != axis % x.ndim] + [axis % x.ndim])
    return x if x.ndim < 2 else xp.reshape(xp.reshape(x, (-1,)), x.shape)


def total(x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """Sum a floating array along one axis and round it, once, to its type."""
    xp = array_namespace(x)
    result = xp.astype(xp.sum(side_by_side(widened(x), axis), axis=-1), x.dtype, copy=False)
    return xp.expand_dims(result, axis=axis) if keepdims else result


def total_without_drift(x: Array) -> Array:
    """Sum float32 or wider over the last axis, without the drift of many equal terms.

    Where all logits are equal, as at the start of training, so are the costs, and adding them one by one rounds
    each partial sum the same way. So what they have in common, the smallest term that is not 0, is counted and
    multiplied instead. It is rounded (to 2^−60), so that it is a constant to autograd, as s in ``surprisal``.
    """
    xp = array_namespace(x)
    if x.shape[-1] == 0:
        return xp.sum(x, axis=-1)
    nonzero = x != 0
    least = xp.min(xp.where(nonzero, x, xp.inf), axis=-1, keepdims=True)
    least = xp.round(least * 2.0**60) / 2.0**60
    least = xp.where(xp.isfinite(least), least, 0.0)
    count = xp.sum(xp.astype(nonzero, x.dtype), axis=-1)
    return xp.sum(side_by_side(x - xp.where(nonzero, least, 0.0)), axis=-1) + count * xp.squeeze(least, axis=-1)
