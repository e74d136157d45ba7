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


def running_means(const float[:, ::1] state, float[:, ::1] before, float[:, ::1] after):
    """As `pipeline.label._running_means`."""
    cdef Py_ssize_t row, column, rows = state.shape[0], width = state.shape[1]
    cdef const float* given
    cdef const float* total
    cdef float* ahead
    cdef float* behind
    assert before.shape[0] == after.shape[0] == rows and before.shape[1] == after.shape[1] == width
    if not rows or not width:
        return
    before[0] = state[0]
    for row in range(1, rows):
        ahead, given = &before[row, 0], &state[row, 0]
        for column in range(width):
            ahead[column] = (ahead - width)[column] + given[column]
    total = &before[rows - 1, 0]
    for row in range(rows):
        ahead, behind, given = &before[row, 0], &after[row, 0], &state[row, 0]
        for column in range(width):
            behind[column] = (total[column] - ahead[column] + given[column]) / <float>(rows - row)
            # The total stands in the last row: divided last.
            ahead[column] /= <float>(row + 1)


def order(const int64_t[::1] group, int64_t[::1] order, int64_t[::1] starts):
    """As `pipeline.label._ordered`; `starts` holds noughts."""
    cdef Py_ssize_t row, number, groups = len(starts) - 1
    cdef int64_t first = 0, size
    assert len(order) == len(group)
    for row in range(len(group)):
        assert 0 <= group[row] < groups
        starts[group[row]] += 1
    for number in range(groups + 1):
        size, starts[number] = starts[number], first
        first += size
    for row in range(len(group)):
        order[starts[group[row]]] = row
        starts[group[row]] += 1
    # Each group now ends where the next began.
    for number in range(groups, 0, -1):
        starts[number] = starts[number - 1]
    starts[0] = 0
