"""Named tuples made and read without a call, for the compiled modules that meet one a block or an element."""

from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM

cdef extern from "Python.h":
    unsigned long Py_TPFLAGS_TUPLE_SUBCLASS
    bint PyType_HasFeature(type kind, unsigned long feature) noexcept
    object PyType_GenericAlloc(type kind, Py_ssize_t size)


cdef inline object named(type row_type, tuple fields):
    """A tuple of `row_type` with these fields. Raises `TypeError` where that is no kind of tuple."""
    cdef Py_ssize_t at
    cdef object row
    if not PyType_HasFeature(row_type, Py_TPFLAGS_TUPLE_SUBCLASS):
        raise TypeError(row_type)
    row = PyType_GenericAlloc(row_type, len(fields))
    for at in range(len(fields)):
        Py_INCREF(fields[at])
        PyTuple_SET_ITEM(row, at, fields[at])
    return row


cdef inline tuple row_of(value):
    """A named tuple as a tuple, whose fields are read without a call. Raises `TypeError` where it is none."""
    if not isinstance(value, tuple):
        raise TypeError(type(value))
    return <tuple>value
