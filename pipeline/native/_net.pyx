# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What `pipeline.label` does around its matrix products, compiled: the same steps in the same order."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport INFINITY, rint
from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy, memset

from pipeline.native._checked cimport check


def standardise(const float[:, ::1] dense, const float[::1] mean, const float[::1] scale, float limit, float[:, ::1] out):
    """As `pipeline.label.standardise`, into the first columns of `out`."""
    cdef Py_ssize_t row, fact, facts = dense.shape[1]
    cdef const float* given
    cdef float* found
    cdef float value
    check(len(mean) == len(scale) == facts <= out.shape[1] and out.shape[0] == dense.shape[0])
    if not facts:
        return
    for row in range(dense.shape[0]):
        given, found = &dense[row, 0], &out[row, 0]
        for fact in range(facts):
            value = (given[fact] - (&mean[0])[fact]) * (&scale[0])[fact]
            value = -limit if value < -limit else value
            found[fact] = limit if value > limit else value


def bins(
    float[:, ::1] entering, const int64_t[::1] facts, const float[::1] starts, const float[::1] scales, Py_ssize_t at
):
    """As `pipeline.label._bins`, of the facts in the first columns of `entering`, into those from `at` on."""
    cdef Py_ssize_t row, bin, count = len(facts)
    cdef const int64_t* fact
    cdef const float* start
    cdef const float* scale
    cdef float* given
    cdef float* told
    # All of one type, so that several numbers are done at once.
    cdef float value, zero = 0, half = 0.5, one = 1
    check(len(starts) == len(scales) == count and 0 <= at and at + count <= entering.shape[1])
    for bin in range(count):
        check(0 <= facts[bin] < at)
    if not count:
        return
    fact, start, scale = &facts[0], &starts[0], &scales[0]
    for row in range(entering.shape[0]):
        given = &entering[row, 0]
        told = given + at
        # What is gathered, and what is computed of many at once, in loops of their own.
        for bin in range(count):
            told[bin] = given[fact[bin]]
        for bin in range(count):
            value = (told[bin] - start[bin]) * scale[bin]
            value = value if value > zero else zero
            told[bin] = (value if value < one else one) - half


def bags(const float[:, ::1] table, const int64_t[::1] tokens, const int64_t[::1] starts, float[:, ::1] out, Py_ssize_t at):
    """As `pipeline.label._bags`, into the columns of `out` from `at` on."""
    cdef Py_ssize_t row, token, column, first, stop, width = table.shape[1]
    cdef const float* embedding
    cdef float* sums
    check(len(starts) == out.shape[0] + 1 and 0 <= at and at + width <= out.shape[1])
    if not width:
        return
    for row in range(out.shape[0]):
        first, stop = starts[row], starts[row + 1]
        sums = &out[row, at]
        memset(sums, 0, width * sizeof(float))
        if first == stop:
            continue
        check(0 <= first < stop <= len(tokens))
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
    check(len(bias) == width == state.shape[1] and state.shape[0] == values.shape[0])
    if not width:
        return
    for row in range(values.shape[0]):
        given, found = &values[row, 0], &state[row, 0]
        for column in range(width):
            value = given[column] + (&bias[0])[column]
            found[column] += value if value > 0 else 0


def taps(const float[:, ::1] state, Py_ssize_t dilation, float[:, ::1] out):
    """As `pipeline.label._taps`."""
    cdef Py_ssize_t row, tap, at, rows = state.shape[0], width = state.shape[1]
    cdef float* found
    check(out.shape[0] == rows and out.shape[1] == 3 * width and dilation > 0)
    if not width:
        return
    for row in range(rows):
        found = &out[row, 0]
        for tap in range(3):
            at = row + (tap - 1) * dilation
            if 0 <= at < rows:
                memcpy(found + tap * width, &state[at, 0], width * sizeof(float))
            else:
                memset(found + tap * width, 0, width * sizeof(float))


def company(const float[:, ::1] state, const int64_t[:, ::1] groups, float[:, ::1] means, int64_t[::1] sizes, float[:, ::1] out):
    """As `pipeline.label._company`; `means` and `sizes` are room for those of one kind of groups."""
    cdef Py_ssize_t row, kind, rows = state.shape[0], width = state.shape[1], kinds = groups.shape[0]
    check(out.shape[0] == rows and out.shape[1] == (3 + kinds) * width)
    check(groups.shape[1] == rows and means.shape[1] == width and means.shape[0] == len(sizes))
    if not rows or not width:
        return
    _running_means(state, out)
    for kind in range(kinds):
        _group_means(state, groups[kind], means, sizes)
        for row in range(rows):
            memcpy(&out[row, (3 + kind) * width], &means[groups[kind, row], 0], width * sizeof(float))


cdef int _running_means(const float[:, ::1] state, float[:, ::1] out) except -1:
    """The state, and the means of it and what stands before, and after."""
    cdef Py_ssize_t row, column, rows = state.shape[0], width = state.shape[1]
    cdef const float* given
    cdef const float* total
    cdef float* ahead
    cdef float* above = NULL
    cdef float* behind
    for row in range(rows):
        given, ahead = &state[row, 0], &out[row, width]
        memcpy(&out[row, 0], given, width * sizeof(float))
        if not row:
            memcpy(ahead, given, width * sizeof(float))
        else:
            for column in range(width):
                ahead[column] = above[column] + given[column]
        above = ahead
    total = &out[rows - 1, width]
    for row in range(rows):
        ahead, behind, given = &out[row, width], &out[row, 2 * width], &state[row, 0]
        for column in range(width):
            behind[column] = (total[column] - ahead[column] + given[column]) / <float>(rows - row)
            # The total stands in the last row: divided last.
            ahead[column] /= <float>(row + 1)
    return 0


cdef int _group_means(const float[:, ::1] state, const int64_t[::1] group, float[:, ::1] means, int64_t[::1] sizes) except -1:
    """Mean state of each group of blocks, summed in their order."""
    cdef Py_ssize_t row, column, number, width = state.shape[1]
    cdef const float* given
    cdef float* found
    cdef float size
    sizes[:] = 0
    for row in range(len(group)):
        number = group[row]
        given, found = &state[row, 0], &means[number, 0]
        if not sizes[number]:
            memcpy(found, given, width * sizeof(float))
        else:
            for column in range(width):
                found[column] += given[column]
        sizes[number] += 1
    for number in range(len(sizes)):
        size = sizes[number]
        if size > 1:
            found = &means[number, 0]
            for column in range(width):
                found[column] /= size
    return 0


cdef struct Likely:
    double p
    Py_ssize_t block


cdef int _likelier(const void* one, const void* other) noexcept nogil:
    """The likelier first, and of equals the earlier."""
    cdef const Likely* left = <const Likely*>one
    cdef const Likely* right = <const Likely*>other
    if left.p != right.p:
        return -1 if left.p > right.p else 1
    return -1 if left.block < right.block else 1


def likeliest(
    const double[::1] p, const double[::1] words, double total, double unit, uint8_t[::1] inside
):
    """As `pipeline.label._best_prefix`, but for pages with little text; `inside` holds noughts, and the F1 comes back."""
    cdef Py_ssize_t at, count = len(p), keep = 0
    cdef double gain = 0, size = 0, f1, most = -1
    cdef Likely* order
    check(len(words) == len(inside) == count > 0)
    order = <Likely*>PyMem_Malloc(count * sizeof(Likely))
    if order == NULL:
        raise MemoryError
    for at in range(count):
        order[at] = Likely((&p[0])[at], at)
    qsort(order, count, sizeof(Likely), _likelier)
    for at in range(count):
        gain += order[at].p * (&words[0])[order[at].block]
        size += (&words[0])[order[at].block]
        f1 = rint(2 * gain / max(size + total, 1e-9) * unit) / unit
        if f1 > most:
            most, keep = f1, at
    for at in range(keep + 1):
        (&inside[0])[order[at].block] = 1
    PyMem_Free(order)
    return most


def roles(
    const double[:, :] p, const double[::1] told, const uint8_t[::1] inside, const int64_t[::1] within, Py_ssize_t heading,
    Py_ssize_t body, Py_ssize_t title, Py_ssize_t subtitle, double title_at, double other_title_at, double told_at,
    const double[::1] weight, int64_t[::1] chosen,
):
    """As `pipeline.label.decide`, for a story that is known."""
    cdef Py_ssize_t block, role, best, count = p.shape[0], likeliest_title = 0
    cdef double value, most, title_p = -1
    check(len(told) == len(inside) == len(within) == len(chosen) == count)
    check(p.shape[1] > max(heading, body, title, subtitle))
    check(len(weight) == p.shape[1])
    for block in range(count):
        value = 0 if inside[block] else p[block, title]
        if value > title_p:
            likeliest_title, title_p = block, value
    for block in range(count):
        if inside[block]:
            chosen[block] = within[block]
            continue
        best, most = 0, -2
        for role in range(p.shape[1]):
            value = weight[role] * p[block, role]
            if role == heading or role == body:
                value = -1
            elif role == subtitle:
                if told[block] < told_at:
                    value = -1
            elif role == title:
                if p[block, title] >= (title_at if block == likeliest_title else other_title_at):
                    value = INFINITY
                elif block != likeliest_title:
                    value = -1
            if value > most:
                best, most = role, value
        chosen[block] = best
