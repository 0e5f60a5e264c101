"""Vector instructions that numba has no word for: eight float32 at a time, whatever the machine.

numba's loops become vector code only where LLVM's loop vectoriser sees through them. It does not
see that eight neighbours are one vector if each group of eight is read from another place.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils as _cgutils
from numba.core import types
from numba.np import arrayobj as _arrayobj

LANES = 8

# numba declares no types for these, or others than hold.
cgutils: Any = _cgutils
arrayobj: Any = _arrayobj
intrinsic: Any = extending.intrinsic

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INT = ir.IntType(32)
# A product and a sum may become one instruction.
_FUSED = ("contract",)


def _array(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value)


@intrinsic
def weighted_sum(
    _typing: Any, values: Any, at: Any, step: Any, weights: Any, first: Any, count: Any, out: Any,
    to: Any,
) -> Any:  # fmt: skip
    """``out[to + r]`` = sum over i < count of ``weights[first + i] * values[at + i * step + r]``.

    For r = 0..7. All three are float32, one-dimensional and dense; nothing is checked against
    their ends.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        values, weights, out = (
            _array(context, builder, signature.args[i], given[i]).data for i in (0, 3, 6)
        )
        at, step, first, count, to = (given[i] for i in (1, 2, 4, 5, 7))
        total = cgutils.alloca_once(builder, _FLOATS)
        builder.store(ir.Constant(_FLOATS, [0.0] * LANES), total)
        unknown = ir.Constant(_FLOATS, ir.Undefined)
        with cgutils.for_range(builder, count) as loop:
            place = builder.gep(values, [builder.add(at, builder.mul(loop.index, step))])
            eight = builder.load(builder.bitcast(place, _FLOATS.as_pointer()))
            eight.align = 4
            weight = builder.load(builder.gep(weights, [builder.add(first, loop.index)]))
            weight = builder.insert_element(unknown, weight, ir.Constant(_INT, 0))
            nought = ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES)
            weight = builder.shuffle_vector(weight, unknown, nought)
            product = builder.fmul(weight, eight, flags=_FUSED)
            builder.store(builder.fadd(builder.load(total), product, flags=_FUSED), total)
        place = builder.bitcast(builder.gep(out, [to]), _FLOATS.as_pointer())
        builder.store(builder.load(total), place).align = 4
        return context.get_dummy_value()

    return types.void(values, at, step, weights, first, count, out, to), generate


@intrinsic
def prefetch(_typing: Any, plane: Any, row: Any, column: Any) -> Any:
    """Have the cache line with ``plane[row, column]`` fetched while something else is computed.

    ``plane``: uint8, two-dimensional. A hint: a place outside of it does no harm.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = _array(context, builder, signature.args[0], given[0])
        down, along = cgutils.unpack_tuple(builder, array.strides, 2)
        offset = builder.add(builder.mul(given[1], down), builder.mul(given[2], along))
        kind = ir.FunctionType(ir.VoidType(), [array.data.type, _INT, _INT, _INT])
        # Its full name names the pointer's type, in a way that changed with LLVM 15.
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [array.data.type], kind)
        # To read, into every level of the cache, data.
        how = [ir.Constant(_INT, value) for value in (0, 3, 1)]
        builder.call(fetch, [builder.gep(array.data, [offset]), *how])
        return context.get_dummy_value()

    return types.void(plane, row, column), generate


@intrinsic
def dense_row(_typing: Any, planes: Any, plane: Any, row: Any) -> Any:
    """``planes[plane, row]`` of a float32 array of any strides whose columns are dense.

    As an array that is known to be dense: LLVM makes vector code of bytes with any stride, but not
    of wider numbers. Not checked; holds no reference to the memory.
    """
    kind = types.Array(planes.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = _array(context, builder, signature.args[0], given[0])
        strides = cgutils.unpack_tuple(builder, array.strides, 3)
        columns = cgutils.unpack_tuple(builder, array.shape, 3)[2]
        offset = builder.add(builder.mul(given[1], strides[0]), builder.mul(given[2], strides[1]))
        begin = cgutils.pointer_add(builder, array.data, offset)
        size = context.get_constant(types.intp, 4)
        made = context.make_array(kind)(context, builder)
        arrayobj.populate_array(made, begin, [columns], [size], size, None)
        return made._getvalue()

    return kind(planes, plane, row), generate
