"""The values of GObject's enumerations, such as an encoder's presets.

Read through the C library itself, as ``media.gst`` maps buffers: what a property's description says
of its values varies with the version of the Python bindings (PyGObject 3.50 and later give the bare
structure), while the C functions and the layout of ``GEnumClass`` never change.
"""

from __future__ import annotations

import ctypes

from appliance.media.gst import GObject


class _EnumValue(ctypes.Structure):
    """GEnumValue, gobject/genums.h."""

    _fields_ = (("value", ctypes.c_int), ("name", ctypes.c_char_p), ("nick", ctypes.c_char_p))


class _EnumClass(ctypes.Structure):
    """GEnumClass, gobject/genums.h; a GTypeClass is the type's number."""

    _fields_ = (
        ("type", ctypes.c_size_t),
        ("minimum", ctypes.c_int),
        ("maximum", ctypes.c_int),
        ("count", ctypes.c_uint),
        ("values", ctypes.POINTER(_EnumValue)),
    )


_lib = ctypes.CDLL("libgobject-2.0.so.0")
_lib.g_type_class_ref.argtypes = (ctypes.c_size_t,)
_lib.g_type_class_ref.restype = ctypes.POINTER(_EnumClass)
_lib.g_type_class_unref.argtypes = (ctypes.POINTER(_EnumClass),)
_lib.g_type_class_unref.restype = None


def nicks(kind: GObject.GType) -> tuple[str, ...]:
    """The short names of an enumeration's values, as launch lines have them: ``ultrafast``.

    Raises:
        TypeError: ``kind`` is no enumeration.
    """
    if not kind.is_a(GObject.TYPE_ENUM):
        raise TypeError(f"found the type {kind.name}, expected an enumeration")
    # PyGObject's hash of a GType is its number.
    pointer = _lib.g_type_class_ref(hash(kind))
    try:
        found = pointer.contents
        return tuple(found.values[index].nick.decode() for index in range(found.count))
    finally:
        _lib.g_type_class_unref(pointer)
