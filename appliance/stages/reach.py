"""Which kernels a piece of code can come to call: read from the code, so that no list is kept.

A function's names, those of the functions and classes that it names, and so on, within this
package. What is only ever reached through an instance that somebody else made is not seen; whoever
makes it names its class.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from appliance.pixels.cpu.jit import CpuKernel


def kernels_of(*things: object) -> tuple[CpuKernel[..., Any], ...]:
    """Kernels that functions, classes (all their methods) or modules (all they define) can call."""
    seen: dict[int, object] = {}
    found: list[CpuKernel[..., Any]] = []
    left = list(things)
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if isinstance(thing, CpuKernel):
            found.append(thing)
        elif isinstance(thing, ModuleType):
            left += [one for one in vars(thing).values() if _module(one) == thing.__name__]
        elif isinstance(thing, type) and _ours(thing):
            left += [*thing.__bases__, *_methods(thing)]
        elif isinstance(thing, FunctionType) and _ours(thing):
            left += _named(thing)
    return tuple(found)


def _module(thing: object) -> str | None:
    name = getattr(thing, "__module__", None)
    return name if isinstance(name, str) else None


def _ours(thing: object) -> bool:
    return (_module(thing) or "").startswith("appliance.")


def _methods(kind: type) -> Iterator[object]:
    for value in vars(kind).values():
        if isinstance(value, property):
            yield from (one for one in (value.fget, value.fset) if one is not None)
        else:
            yield inspect.unwrap(getattr(value, "__func__", value))


def _named(function: FunctionType) -> Iterator[object]:
    """What the globals that a function names are, and what it names within modules of ours."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            if value.__name__.startswith("appliance."):
                yield from (getattr(value, other, None) for other in names)
        elif value is not None:
            yield value
