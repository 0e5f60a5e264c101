"""Object code of a kernel with an entry of its own, which Python can call without numba.

numba compiles the kernel; its own way in is left out, since it needs numba to run. The entry made
here reads NumPy's array structures itself, checks each argument against the kernel's signature,
and calls the kernel without the interpreter's lock. Whatever the code needs of the process
(Python's functions, the C library's) it reaches through one table, ``SLOTS``, which the loader
fills; so the code itself holds no address and may lie anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
from llvmlite import binding, ir
from numba.core import cgutils as _cgutils
from numba.core import types

# Untyped: what numba has for its own use.
_njit: Any = numba.njit
cgutils: Any = _cgutils

ENTRY, SLOTS = "mattebox_entry", "mattebox_slots"

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_POINTER = _I8.as_pointer()
# Offsets in CPython's and NumPy's structures, the same in all versions; ``image`` looks whether
# they are so in this process.
_TYPE, _DATA, _NDIM, _SHAPE, _STRIDES, _DESCR, _FLAGS = 8, 16, 24, 32, 40, 56, 64
_BYTE_ORDER, _TYPE_NUMBER = 26, 28
_C_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400
# numpy/ndarraytypes.h; 64-bit integers are "long" where this runs, and "long long" is their twin.
_NUMBERS = {
    "bool": (0,), "int8": (1,), "uint8": (2,), "int16": (3,), "uint16": (4,), "int32": (5,),
    "uint32": (6,), "int64": (7, 9), "uint64": (8, 10), "float32": (11,), "float64": (12,),
}  # fmt: skip
_MOST = 32
# Versions of numba whose own heap and calls the entry is known to match, by their first two
# numbers. Others run their kernels themselves: 0.60 was seen to get one with a list wrong.
TRIED = ("0.68",)
_MATHS = re.compile(
    r"llvm\.(?P<intrinsic>exp2?|log(?:2|10)?|pow|sin|cos|tan)\.f(?P<bits>32|64)$"
    r"|(?P<name>(?:exp(?:2|m1)?|log(?:2|10|1p)?|pow|a?(?:sin|cos|tan)h?|atan2|fmod|hypot)f?)$"
)
# Scratch rows begin on a cache line; what numba needs to know of one lies before it.
_LINE = 64


class NotCompilable(Exception):
    """The kernel needs something that only numba itself can give."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Object code (ELF) with the function ``ENTRY``, and what belongs into the table ``SLOTS``."""

    code: bytes
    slots: tuple[str, ...]


def compile_kernel(function: Callable[..., Any], signature: str, flags: dict[str, Any]) -> Compiled:
    """Compile ``function`` for ``signature`` with numba's ``flags``, for this machine's processor.

    Raises NotCompilable if the result could not run without numba.
    """
    if ".".join(numba.__version__.split(".")[:2]) not in TRIED:
        raise NotCompilable(f"numba {numba.__version__} was not tried, {', '.join(TRIED)} was")
    made = _njit(signature, no_cpython_wrapper=True, no_cfunc_wrapper=True, **flags)(function)
    (result,) = made.overloads.values()
    target = result.target_context
    generator = target.codegen()
    whole = binding.parse_assembly(result.library.get_llvm_str())
    declared = [f.name for f in whole.functions if f.is_declaration]
    frame = _Entry(target, result.fndesc, function.__name__, declared)
    module = binding.parse_assembly(frame.assembly(whole.triple, whole.data_layout))
    whole.link_in(module)
    whole.verify()
    for thing in [*whole.functions, *whole.global_variables]:
        if not thing.is_declaration and thing.name != ENTRY:
            thing.linkage = "internal"
    machine = binding.Target.from_triple(whole.triple).create_target_machine(
        cpu=generator._get_host_cpu_name(), features=generator._get_host_cpu_features(),
        opt=3, reloc="pic", codemodel="small",
    )  # fmt: skip
    return Compiled(machine.emit_object(whole), tuple(frame.slots))


class _Entry:
    """Writes the module that holds the entry, the table and numba's heap."""

    def __init__(self, target: Any, described: Any, name: str, needs: list[str]) -> None:
        self._target, self._described, self._name = target, described, name
        self.slots: list[str] = []
        self._module = ir.Module("entry")
        self._needs = needs
        table = ir.ArrayType(_I64, _MOST)
        self._table = ir.GlobalVariable(self._module, table, SLOTS)
        self._table.initializer = ir.Constant(table, [1] * _MOST)  # not zero: it lies in the file

    def assembly(self, triple: str, layout: str) -> str:
        """The module as text. Raises NotCompilable."""
        self._module.triple, self._module.data_layout = triple, layout
        for name in self._needs:
            if name == "NRT_MemInfo_alloc_aligned":
                self._allocate()
            elif name == "NRT_MemInfo_call_dtor":
                self._release()
            elif function := _MATHS.match(name):
                self._maths(function)
            elif not name.startswith(("llvm.", "mem")):
                raise NotCompilable(f"{self._name} calls {name}")
        for name, of in (("memset", _I32), ("memcpy", _POINTER), ("memmove", _POINTER)):
            self._pass_on(name, ir.FunctionType(_POINTER, [_POINTER, of, _I64]))
        self._entry()
        return str(self._module)

    def _address(self, builder: Any, name: str) -> Any:
        """What the table holds for ``name``, as an integer."""
        if name not in self.slots:
            if len(self.slots) == _MOST:
                raise NotCompilable(f"{self._name} needs more than {_MOST} addresses")
            self.slots.append(name)
        zero, index = _I32(0), _I32(self.slots.index(name))
        return builder.load(builder.gep(self._table, [zero, index], inbounds=True))

    def _call(self, builder: Any, name: str, kind: Any, arguments: list[Any]) -> Any:
        there = builder.inttoptr(self._address(builder, name), kind.as_pointer())
        return builder.call(there, arguments)

    def _pass_on(self, name: str, kind: Any) -> None:
        """A function of the C library, under its own name, by way of the table."""
        function = ir.Function(self._module, kind, name)
        builder = ir.IRBuilder(function.append_basic_block())
        builder.ret(self._call(builder, name, kind, list(function.args)))

    def _maths(self, found: re.Match[str]) -> None:
        """A function of the mathematical library, named itself or by LLVM's own name for it."""
        name = found["name"] or found["intrinsic"] + ("f" if found["bits"] == "32" else "")
        kind = ir.FloatType() if name.endswith("f") else ir.DoubleType()
        many = 2 if name.startswith(("pow", "atan2", "fmod", "hypot")) else 1
        if name not in {function.name for function in self._module.functions}:
            self._pass_on(name, ir.FunctionType(kind, [kind] * many))

    def _allocate(self) -> None:
        """The heap of numba: memory with a header (count, destructor, its argument, data, size)."""
        kind = ir.FunctionType(_POINTER, [_I64, _I32])
        function = ir.Function(self._module, kind, "NRT_MemInfo_alloc_aligned")
        builder = ir.IRBuilder(function.append_basic_block())
        whole = builder.add(function.args[0], _I64(3 * _LINE))
        got = self._call(builder, "malloc", ir.FunctionType(_POINTER, [_I64]), [whole])
        with builder.if_then(builder.icmp_unsigned("==", got, _POINTER(None))):
            builder.ret(_POINTER(None))
        at = builder.ptrtoint(got, _I64)
        at = builder.and_(builder.add(at, _I64(_LINE - 1)), _I64(-_LINE))
        data = builder.add(at, _I64(_LINE))
        for offset, value in (
            (0, _I64(1)), (8, _I64(0)), (16, builder.ptrtoint(got, _I64)), (24, data),
            (32, function.args[0]), (40, _I64(0)),
        ):  # fmt: skip
            place = builder.inttoptr(builder.add(at, _I64(offset)), _I64.as_pointer())
            builder.store(value, place)
        builder.ret(builder.inttoptr(at, _POINTER))

    def _release(self) -> None:
        kind = ir.FunctionType(ir.VoidType(), [_POINTER])
        function = ir.Function(self._module, kind, "NRT_MemInfo_call_dtor")
        builder = ir.IRBuilder(function.append_basic_block())
        whole = builder.inttoptr(self._field(builder, function.args[0], 16), _POINTER)
        self._call(builder, "free", kind, [whole])
        builder.ret_void()

    def _field(self, builder: Any, thing: Any, offset: int, kind: Any = _I64) -> Any:
        at = thing if isinstance(thing.type, ir.IntType) else builder.ptrtoint(thing, _I64)
        return builder.load(builder.inttoptr(builder.add(at, _I64(offset)), kind.as_pointer()))

    # --- the entry itself: PyObject *entry(PyObject *self, PyObject **arguments, Py_ssize_t count)

    def _entry(self) -> None:
        kind = ir.FunctionType(_POINTER, [_POINTER, _POINTER, _I64])
        function = ir.Function(self._module, kind, ENTRY)
        builder = ir.IRBuilder(function.append_basic_block())
        wanted = self._described.argtypes
        many = builder.icmp_unsigned("!=", function.args[2], _I64(len(wanted)))
        self._refuse_if(builder, many, f"expected {len(wanted)} arguments")
        values = []
        for index, of in enumerate(wanted):
            given = self._field(builder, function.args[1], 8 * index)
            values.append(self._value(builder, given, of, f"argument {index + 1}: expected {of}"))
        state = self._call(builder, "PyEval_SaveThread", ir.FunctionType(_POINTER, []), [])
        call = self._target.call_conv
        there = cgutils.get_or_insert_function(
            self._module, call.get_function_type(self._described.restype, wanted),
            self._described.llvm_func_name,
        )  # fmt: skip
        status, result = call.call_function(builder, there, self._described.restype, wanted, values)
        void = ir.VoidType()
        self._call(builder, "PyEval_RestoreThread", ir.FunctionType(void, [_POINTER]), [state])
        self._refuse_if(builder, status.is_error, "the kernel failed", "PyExc_RuntimeError")
        builder.ret(self._object(builder, result, self._described.restype))

    def _refuse_if(
        self, builder: Any, wrong: Any, why: str, error: str = "PyExc_TypeError"
    ) -> None:
        text = bytearray(f"{self._name}: {why}\0".encode())
        kept = ir.Constant(ir.ArrayType(_I8, len(text)), text)
        with builder.if_then(wrong, likely=False):
            words = cgutils.global_constant(self._module, "why", kept)
            self._call(
                builder, "PyErr_SetString", ir.FunctionType(ir.VoidType(), [_I64, _POINTER]),
                [self._address(builder, error), builder.bitcast(words, _POINTER)],
            )  # fmt: skip
            builder.ret(_POINTER(None))

    def _value(self, builder: Any, given: Any, of: Any, expected: str) -> Any:
        """A Python object as numba's value of type ``of``."""
        if isinstance(of, types.Array):
            return self._array(builder, given, of, expected)
        if isinstance(of, types.Boolean):
            truth = ir.FunctionType(_I32, [_I64])
            read = self._call(builder, "PyObject_IsTrue", truth, [given])
            self._refuse_if(builder, builder.icmp_signed("<", read, _I32(0)), expected)
            return builder.icmp_signed("!=", read, _I32(0))
        name, raw, wrong = (
            ("PyLong_AsLongLong", _I64, _I64(-1))
            if isinstance(of, types.Integer)
            else ("PyFloat_AsDouble", ir.DoubleType(), ir.DoubleType()(-1.0))
        )
        read = self._call(builder, name, ir.FunctionType(raw, [_I64]), [given])
        same = (builder.icmp_signed if raw is _I64 else builder.fcmp_ordered)("==", read, wrong)
        with builder.if_then(same, likely=False):
            occurred = self._call(builder, "PyErr_Occurred", ir.FunctionType(_I64, []), [])
            self._refuse_if(builder, builder.icmp_unsigned("!=", occurred, _I64(0)), expected)
        kind = self._target.get_value_type(of)
        if raw is _I64:
            return read if kind == _I64 else builder.trunc(read, kind)
        return read if kind == raw else builder.fptrunc(read, kind)

    def _array(self, builder: Any, given: Any, of: Any, expected: str) -> Any:
        mine = self._address(builder, "PyArray_Type")
        kind = self._field(builder, given, _TYPE)
        with builder.if_then(builder.icmp_unsigned("!=", kind, mine), likely=False):
            below = ir.FunctionType(_I32, [_I64, _I64])
            sub = self._call(builder, "PyType_IsSubtype", below, [kind, mine])
            self._refuse_if(builder, builder.icmp_signed("==", sub, _I32(0)), expected)
        dtype = self._field(builder, given, _DESCR)
        number = self._field(builder, dtype, _TYPE_NUMBER, _I32)
        fits: Any = None
        for one in _NUMBERS[str(of.dtype)]:
            same = builder.icmp_signed("==", number, _I32(one))
            fits = same if fits is None else builder.or_(fits, same)
        swapped = builder.icmp_unsigned(
            "==", self._field(builder, dtype, _BYTE_ORDER, _I8), _I8(ord(">"))
        )
        flags = self._field(builder, given, _FLAGS, _I32)
        must = _ALIGNED | _WRITEABLE | (_C_CONTIGUOUS if of.layout == "C" else 0)
        for condition in (
            builder.icmp_signed("==", self._field(builder, given, _NDIM, _I32), _I32(of.ndim)),
            builder.icmp_unsigned("==", builder.and_(flags, _I32(must)), _I32(must)),
            builder.not_(swapped),
        ):
            fits = builder.and_(fits, condition)
        self._refuse_if(builder, builder.not_(fits), f"{expected}, writeable")
        shape = [
            self._field(builder, self._field(builder, given, _SHAPE), 8 * axis)
            for axis in range(of.ndim)
        ]
        strides = [
            self._field(builder, self._field(builder, given, _STRIDES), 8 * axis)
            for axis in range(of.ndim)
        ]
        items = shape[0]
        for side in shape[1:]:
            items = builder.mul(items, side)
        array = self._target.make_array(of)(self._target, builder)
        pointer = builder.inttoptr(self._field(builder, given, _DATA), array.data.type)
        size = self._target.get_abi_sizeof(self._target.get_data_type(of.dtype))
        array.data, array.nitems, array.itemsize = pointer, items, _I64(size)
        array.shape = cgutils.pack_array(builder, shape)
        array.strides = cgutils.pack_array(builder, strides)
        array.meminfo = array.meminfo.type(None)
        array.parent = array.parent.type(None)
        return array._getvalue()

    def _object(self, builder: Any, value: Any, of: Any) -> Any:
        """A value of numba's as a new Python object."""
        if isinstance(of, types.NoneType):
            none = self._address(builder, "Py_None")
            void = ir.FunctionType(ir.VoidType(), [_I64])
            self._call(builder, "Py_IncRef", void, [none])
            return builder.inttoptr(none, _POINTER)
        if isinstance(of, types.Boolean):
            wide = builder.zext(value, _I64)
            return self._call(builder, "PyBool_FromLong", ir.FunctionType(_POINTER, [_I64]), [wide])
        if isinstance(of, types.Integer):
            signed = of in types.signed_domain
            widen = builder.sext if signed else builder.zext
            wide = value if value.type == _I64 else widen(value, _I64)
            name = "PyLong_FromLongLong" if signed else "PyLong_FromUnsignedLongLong"
            return self._call(builder, name, ir.FunctionType(_POINTER, [_I64]), [wide])
        if isinstance(of, types.Float):
            double = ir.DoubleType()
            wide = value if value.type == double else builder.fpext(value, double)
            maker = ir.FunctionType(_POINTER, [double])
            return self._call(builder, "PyFloat_FromDouble", maker, [wide])
        if isinstance(of, types.UniTuple):
            parts = [
                self._object(builder, builder.extract_value(value, index), of.dtype)
                for index in range(of.count)
            ]
            maker = ir.FunctionType(_POINTER, [_I64])
            made = self._call(builder, "PyTuple_New", maker, [_I64(of.count)])
            setter = ir.FunctionType(_I32, [_POINTER, _I64, _POINTER])
            for index, part in enumerate(parts):
                self._call(builder, "PyTuple_SetItem", setter, [made, _I64(index), part])
            return made
        raise NotCompilable(f"{self._name} returns {of}")
