# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What `pipeline.features` counts in blocks, compiled: characters by class, copies, and the buckets of words and of path steps.

Raw integers only; `pipeline.features` makes facts of them. Strings are read in place, every read behind a test against the
string's length.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ
from libc.math cimport INFINITY, rintf
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from array import array

cdef extern from "Python.h":
    bint Py_UNICODE_ISSPACE(Py_UCS4 char) noexcept nogil
    bint PyUnicode_IS_ASCII(str text) noexcept

cdef uint32_t[256] CRC
cdef uint32_t _remainder
for _byte in range(256):
    _remainder = _byte
    for _bit in range(8):
        _remainder = (_remainder >> 1) ^ (0xEDB88320u if _remainder & 1 else 0u)
    CRC[_byte] = _remainder


cdef inline uint32_t fed(uint32_t crc, uint32_t char) noexcept:
    """A checksum in the making, one character in UTF-8 further; lone surrogates pass through."""
    if char < 0x80:
        return CRC[(crc ^ char) & 0xFF] ^ (crc >> 8)
    if char < 0x800:
        crc = CRC[(crc ^ (0xC0 | char >> 6)) & 0xFF] ^ (crc >> 8)
    else:
        if char < 0x10000:
            crc = CRC[(crc ^ (0xE0 | char >> 12)) & 0xFF] ^ (crc >> 8)
        else:
            crc = CRC[(crc ^ (0xF0 | char >> 18)) & 0xFF] ^ (crc >> 8)
            crc = CRC[(crc ^ (0x80 | (char >> 12 & 0x3F))) & 0xFF] ^ (crc >> 8)
        crc = CRC[(crc ^ (0x80 | (char >> 6 & 0x3F))) & 0xFF] ^ (crc >> 8)
    return CRC[(crc ^ (0x80 | (char & 0x3F))) & 0xFF] ^ (crc >> 8)


cdef class Numbers:
    """A list of integers that becomes an array without being taken apart."""

    cdef int64_t* values
    cdef Py_ssize_t count, room

    def __cinit__(self):
        self.values, self.count, self.room = NULL, 0, 0

    def __dealloc__(self):
        PyMem_Free(self.values)

    cdef int append(self, int64_t value) except -1:
        cdef void* larger
        if self.count == self.room:
            larger = PyMem_Realloc(self.values, (2 * self.room + 256) * sizeof(int64_t))
            if larger == NULL:
                raise MemoryError
            self.values, self.room = <int64_t*>larger, 2 * self.room + 256
        self.values[self.count] = value
        self.count += 1
        return 0

    cdef int repeat(self, Py_ssize_t first, Py_ssize_t stop) except -1:
        """Append what stands in one stretch of the list once more."""
        cdef Py_ssize_t at
        assert 0 <= first <= stop <= self.count
        for at in range(first, stop):
            self.append(self.values[at])
        return 0

    cdef bytearray buffer(self):
        cdef bytearray copy = bytearray(self.count * sizeof(int64_t))
        if self.count:
            memcpy(<char*>copy, self.values, self.count * sizeof(int64_t))
        return copy


def count(
    list texts not None, const uint8_t[::1] classes, int space, int upper, str signs not None, int64_t[:, ::1] counts,
    int64_t[:, ::1] marks,
):
    """Fill in, for every text, its characters by class, and what `pipeline.features.Counted` names after them."""
    cdef Py_ssize_t row, at, size
    cdef int kind
    cdef uint8_t char_class, before
    cdef const void* data
    cdef Py_UCS4 char
    cdef str text
    cdef dict seen = {}
    cdef int64_t[256] found
    cdef int64_t capitals
    cdef Py_UCS4 least_sign = min(signs)
    cdef bint has_sign, has_break
    assert len(classes) == 0x10000 and counts.shape[0] == marks.shape[0] == len(texts) and marks.shape[1] == 8
    for row in range(len(texts)):
        text = texts[row]
        size, kind, data = len(text), PyUnicode_KIND(text), PyUnicode_DATA(text)
        capitals, has_sign, has_break = 0, False, False
        memset(found, 0, sizeof(found))
        before = char_class = space
        for at in range(size):
            char = PyUnicode_READ(kind, data, at)
            char_class = classes[char if char < 0xFFFF else 0xFFFF]
            found[char_class] += 1
            capitals += char_class == upper and before == space
            has_break |= char == 10
            if char >= least_sign and not has_sign:
                has_sign = char in signs
            if not at:
                marks[row, 1] = char_class
            before = char_class
        for at in range(min(counts.shape[1], 256)):
            counts[row, at] = found[at]
        marks[row, 0] = size
        marks[row, 2] = char_class if size else 0
        marks[row, 3], marks[row, 4], marks[row, 5] = capitals, has_sign, has_break
        marks[row, 7] = seen.get(text, 0)
        seen[text] = marks[row, 7] + 1
    for row in range(len(texts)):
        marks[row, 6] = seen[texts[row]] - 1
        marks[row, 7] = marks[row, 7] > 0


cdef int64_t _word_bucket(str text, Py_ssize_t first, Py_ssize_t stop, uint32_t mark, int64_t buckets) except -1:
    """As `pipeline.features._word_bucket`, for the characters from `first` to `stop`."""
    cdef Py_ssize_t at
    cdef uint32_t crc = ~mark
    cdef uint32_t char
    cdef int kind
    cdef const void* data
    if not PyUnicode_IS_ASCII(text):
        text = text[first:stop].lower()
        first, stop = 0, len(text)
    assert 0 <= first <= stop <= len(text)
    kind, data = PyUnicode_KIND(text), PyUnicode_DATA(text)
    for at in range(first, stop):
        char = PyUnicode_READ(kind, data, at)
        if 65 <= char <= 90:  # A to Z
            char += 32
        elif 49 <= char <= 57:  # 1 to 9
            char = 48
        crc = fed(crc, char)
    return (~crc) % buckets


cdef Py_ssize_t MOST_WORDS = 64


cdef Py_ssize_t _words(str text, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t* bounds) noexcept:
    """Where the words between two places begin and end, as `str.split` finds them; at most `MOST_WORDS`."""
    cdef Py_ssize_t at = first, count = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef const void* data = PyUnicode_DATA(text)
    while at < stop and count < MOST_WORDS:
        if Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at)):
            at += 1
            continue
        bounds[2 * count] = at
        while at < stop and not Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, at)):
            at += 1
        bounds[2 * count + 1] = at
        count += 1
    return count


def words(
    list texts not None, int first_words, int last_words, Py_ssize_t first_chars, Py_ssize_t last_chars,
    Py_ssize_t unspaced_chars, uint32_t start, uint32_t end, int64_t buckets, int64_t[::1] starts,
):
    """Buckets of the first and last words of every text, flat; fills in where each text's begin."""
    cdef Numbers tokens = Numbers()
    cdef Py_ssize_t[128] bounds
    cdef Py_ssize_t[128] ends
    cdef Py_ssize_t row, at, size, count, last, from_, stop
    cdef str text
    assert len(starts) == len(texts) + 1 and buckets > 0 and max(first_chars, last_chars) <= 2 * MOST_WORDS
    for row in range(len(texts)):
        text = texts[row]
        starts[row], size = tokens.count, len(text)
        if size <= first_chars:
            count = last = _words(text, 0, size, bounds)
            for at in range(2 * count):
                ends[at] = bounds[at]
        else:
            count = _words(text, 0, first_chars, bounds) - 1
            if count < 1:
                bounds[0], bounds[1], count = 0, first_chars, 1
            last = _words(text, size - last_chars, size, ends)
        if count == 1 and bounds[1] - bounds[0] > unspaced_chars:
            if not last:
                raise IndexError("a text that ends in blanks")
            for at in range(bounds[0], min(bounds[0] + first_words, bounds[1])):
                tokens.append(_word_bucket(text, at, at + 1, start, buckets))
            from_, stop = ends[2 * last - 2], ends[2 * last - 1]
            for at in range(max(from_, stop - last_words), stop):
                tokens.append(_word_bucket(text, at, at + 1, end, buckets))
            continue
        for at in range(min(count, first_words)):
            tokens.append(_word_bucket(text, bounds[2 * at], bounds[2 * at + 1], start, buckets))
        for at in range(max(last - last_words, 0), last):
            tokens.append(_word_bucket(text, ends[2 * at], ends[2 * at + 1], end, buckets))
    starts[len(texts)] = tokens.count
    return tokens.buffer()


def paths(
    list paths not None, list near not None, str separators not None, int parts, int64_t buckets, path_parts,
    int64_t[::1] starts,
):
    """Buckets of the words of every path's steps by distance, flat; fills in where each path's begin."""
    cdef Numbers tokens = Numbers()
    cdef dict known = {}
    cdef tuple stretch
    cdef Py_ssize_t row, first
    cdef str path
    cdef bint[128] separate
    for row in range(128):
        separate[row] = Py_UNICODE_ISSPACE(row) or chr(row) in separators
    assert len(starts) == len(paths) + 1 and buckets > 0 and near
    for row in range(len(paths)):
        path = paths[row]
        starts[row] = first = tokens.count
        stretch = known.get(path)
        if stretch is not None:
            tokens.repeat(stretch[0], stretch[1])
            continue
        if PyUnicode_IS_ASCII(path):
            _ascii_path(tokens, path, near, separate, parts, buckets)
        elif path:
            _any_path(tokens, path, near, buckets, path_parts)
        known[path] = (first, tokens.count)
    starts[len(paths)] = tokens.count
    return tokens.buffer()


cdef int _any_path(Numbers tokens, str path, list near, int64_t buckets, path_parts) except -1:
    cdef Py_ssize_t level
    cdef uint32_t crc
    for level, step in enumerate(reversed(path.split("/"))):
        for part in path_parts(step):
            crc = ~<uint32_t>near[min(level, len(near) - 1)]
            for char in <str>part:
                crc = fed(crc, ord(char))
            tokens.append((~crc) % buckets)
    return 0


cdef int _ascii_path(Numbers tokens, str path, list near, bint* separate, int parts, int64_t buckets) except -1:
    """As `_any_path`, without taking the path apart."""
    cdef const unsigned char* chars = <const unsigned char*>PyUnicode_DATA(path)
    cdef Py_ssize_t stop = len(path), first, at, level = 0
    cdef uint32_t mark, crc
    cdef unsigned char char
    cdef int found
    while stop > 0:
        first = stop
        while first > 0 and chars[first - 1] != c"/":
            first -= 1
        mark, at, found = near[min(level, len(near) - 1)], first, 0
        while at < stop and found < parts:
            if separate[chars[at]]:
                at += 1
                continue
            crc = ~mark
            while at < stop and not separate[chars[at]]:
                char = chars[at]
                crc = fed(crc, char + 32 if 65 <= char <= 90 else char)
                at += 1
            tokens.append((~crc) % buckets)
            found += 1
        stop, level = first - 1, level + 1
    return 0


def explain(
    const float[:, ::1] standard, const float[:, ::1] dense, const float[:, ::1] surrogate, const int64_t[:] chosen,
    list high not None, list low not None, int reasons, float unit,
):
    """As `pipeline.why.explain`; `unit` is how finely weights are told apart, as its inverse."""
    cdef Py_ssize_t row, fact, best, facts = standard.shape[1], role
    cdef float weight, most
    cdef int reason
    cdef list result = [], said
    cdef float[::1] weights, rounded
    assert dense.shape[0] == standard.shape[0] == chosen.shape[0] and surrogate.shape[0] == dense.shape[1] == facts
    assert len(high) == len(low) == facts and reasons <= facts
    cdef int[::1] speaks_high = array("i", [bool(phrase) for phrase in high])
    cdef int[::1] speaks_low = array("i", [bool(phrase) for phrase in low])
    weights, rounded = array("f", bytes(4 * facts)), array("f", bytes(4 * facts))
    for row in range(standard.shape[0]):
        role = chosen[row]
        for fact in range(facts):
            if standard[row, fact] > 0:
                weight = standard[row, fact] * surrogate[fact, role] if speaks_high[fact] and dense[row, fact] > 0 else 0
            else:
                weight = standard[row, fact] * surrogate[fact, role] if speaks_low[fact] else 0
            weights[fact] = weight
            # Most are nought, and rounding is what takes time here.
            rounded[fact] = rintf(weight * unit) / unit if weight else 0
        said = []
        for reason in range(reasons):
            best, most = -1, 0
            for fact in range(facts):
                if best < 0 or rounded[fact] > most:
                    best, most = fact, rounded[fact]
            if weights[best] > 0:
                phrase = high[best] if standard[row, best] > 0 else low[best]
                if phrase not in said:
                    said.append(phrase)
            rounded[best] = -INFINITY
        result.append(", ".join(said))
    return result


def with_roles(blocks, type block_type, Py_ssize_t place, list roles not None, list scores not None, list reasons not None):
    """The blocks with role, score and reasons in the three fields from `place` on."""
    cdef Py_ssize_t row = 0
    cdef list result = []
    cdef object new = tuple.__new__
    assert len(blocks) == len(roles) == len(scores) == len(reasons)
    for block in blocks:
        about = (roles[row], scores[row], reasons[row])
        result.append(new(block_type, block[:place] + about + block[place + 3 :]))
        row += 1
    return result
