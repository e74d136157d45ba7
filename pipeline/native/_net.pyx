# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What `pipeline.label` does around its matrix products, compiled: the same steps in the same order."""

from libc.stdint cimport int64_t


def standardise(const float[:, ::1] dense, const float[::1] mean, const float[::1] scale, float limit, float[:, ::1] out):
    """As `pipeline.label.standardise`, into the first columns of `out`."""
    cdef Py_ssize_t row, fact, facts = dense.shape[1]
    cdef const float* given
    cdef float* found
    cdef float value
    assert len(mean) == len(scale) == facts <= out.shape[1] and out.shape[0] == dense.shape[0]
    if not facts:
        return
    for row in range(dense.shape[0]):
        given, found = &dense[row, 0], &out[row, 0]
        for fact in range(facts):
            value = (given[fact] - (&mean[0])[fact]) * (&scale[0])[fact]
            value = -limit if value < -limit else value
            found[fact] = limit if value > limit else value


def bags(const float[:, ::1] table, const int64_t[::1] tokens, const int64_t[::1] starts, float[:, ::1] out, Py_ssize_t at):
    """As `pipeline.label._bags`, into the columns of `out` from `at` on, which hold noughts."""
    cdef Py_ssize_t row, token, column, first, stop, width = table.shape[1]
    cdef const float* embedding
    cdef float* sums
    assert len(starts) == out.shape[0] + 1 and 0 <= at and 0 < width and at + width <= out.shape[1]
    for row in range(out.shape[0]):
        first, stop = starts[row], starts[row + 1]
        if first == stop:
            continue
        assert 0 <= first < stop <= len(tokens)
        sums = &out[row, at]
        for token in range(first, stop):
            embedding = &table[tokens[token], 0]
            for column in range(width):
                sums[column] += embedding[column]
        for column in range(width):
            sums[column] = <float>(<double>sums[column] / (stop - first))


def activate(float[:, ::1] values, const float[::1] bias, float[:, ::1] state):
    """Add to a state what is above nought of values and their bias."""
    cdef Py_ssize_t row, column, width = values.shape[1]
    cdef const float* given
    cdef float* found
    cdef float value
    assert len(bias) == width == state.shape[1] and state.shape[0] == values.shape[0]
    if not width:
        return
    for row in range(values.shape[0]):
        given, found = &values[row, 0], &state[row, 0]
        for column in range(width):
            value = given[column] + (&bias[0])[column]
            found[column] += value if value > 0 else 0
