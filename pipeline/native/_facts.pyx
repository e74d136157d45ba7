# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What `pipeline.features` counts in blocks, compiled: characters by class, copies, and the buckets of words and of path steps.

Raw values, which `pipeline.structure.finish` brings to scale. Strings are read in place, every read behind a test against the
string's length.
"""

from cython cimport final
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.tuple cimport PyTuple_GET_ITEM
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memcpy, memset

from array import array

from pipeline.native._checked cimport check
from pipeline.native._named cimport named

cdef extern from "Python.h":
    bint Py_UNICODE_ISSPACE(Py_UCS4 char) noexcept nogil
    bint PyUnicode_IS_ASCII(str text) noexcept

# As in `pipeline.words.CLASSES`.
cdef enum:
    SPACE, LOWER, UPPER, LETTER, IDEOGRAPH, DIGIT, STOP, COMMA, COLON, QUOTE, DASH, BRACKET, DIVIDER, SYMBOL, CURRENCY, OTHER,
    CLASS_COUNT

cdef struct Said:
    uint64_t key
    int64_t owner

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


@final
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
        check(0 <= first <= stop <= self.count)
        for at in range(first, stop):
            self.append(self.values[at])
        return 0

    cdef bytearray buffer(self):
        cdef bytearray copy = bytearray(self.count * sizeof(int64_t))
        if self.count:
            memcpy(<char*>copy, self.values, self.count * sizeof(int64_t))
        return copy


def text(list texts not None, const uint8_t[::1] classes, str signs not None, double[:, ::1] raw):
    """Fill in the columns of `pipeline.features.TEXT_FACTS`, before any logarithm."""
    cdef Py_ssize_t row, at, size, blocks = len(texts)
    cdef int kind, first, last, before
    cdef const void* data
    cdef Py_UCS4 char, least_sign = min(signs)
    cdef str text
    cdef dict seen = {}
    cdef int64_t[CLASS_COUNT] found
    cdef int64_t capitals, start = 0, total = 0
    cdef bint has_sign, has_break
    cdef double chars, words
    cdef double* fact
    check(len(classes) == 0x10000 and raw.shape[0] == blocks and raw.shape[1] == 39)
    for text in texts:
        total += len(text)
    total = max(total, 1)
    for row in range(blocks):
        text = texts[row]
        size, kind, data = len(text), PyUnicode_KIND(text), PyUnicode_DATA(text)
        capitals, has_sign, has_break = 0, False, False
        memset(found, 0, sizeof(found))
        first = last = before = SPACE
        for at in range(size):
            char = PyUnicode_READ(kind, data, at)
            last = (&classes[0])[char if char < 0xFFFF else 0xFFFF] % CLASS_COUNT
            found[last] += 1
            capitals += last == UPPER and before == SPACE
            has_break |= char == 10
            if char >= least_sign and not has_sign:
                has_sign = char in signs
            if not at:
                first = last
            before = last
        chars, words = max(size, 1), found[SPACE] + 1 + <double>found[IDEOGRAPH] / 2
        fact = &raw[row, 0]
        fact[0], fact[1], fact[2], fact[3] = chars, words, chars / words / 10, chars / (found[STOP] + 1)
        fact[4], fact[5], fact[6] = found[LOWER] / chars, found[UPPER] / chars, found[LETTER] / chars
        fact[7], fact[8], fact[9] = found[IDEOGRAPH] / chars, found[DIGIT] / chars, found[STOP] / chars * 10
        fact[10], fact[11], fact[12] = found[COMMA] / chars * 10, found[DIVIDER] / chars * 10, found[OTHER] / chars
        fact[13], fact[14], fact[15], fact[16] = found[STOP], found[COMMA], found[QUOTE], found[BRACKET]
        fact[17], fact[18], fact[19] = found[COLON], found[SYMBOL], capitals / words
        fact[20], fact[21], fact[22] = first == UPPER, first == DIGIT, first >= STOP
        fact[23], fact[24], fact[25], fact[26] = last == STOP, last == COLON, last == QUOTE, LOWER <= last <= IDEOGRAPH
        fact[27], fact[28], fact[29] = has_sign, found[CURRENCY] > 0, has_break
        fact[31] = seen.get(text, 0)
        seen[text] = fact[31] + 1
        fact[31] = fact[31] > 0
        fact[32], fact[33], fact[34] = <double>row / blocks, blocks, <double>start / total
        fact[35] = 1 - fact[34] - <double>size / total
        fact[36], fact[37], fact[38] = words < 1.5, 1.5 <= words < 2.5, 5 <= words <= 20 and last != STOP
        start += size
    for row in range(blocks):
        raw[row, 30] = seen[texts[row]] - 1


cdef inline uint64_t mixed(uint64_t value) noexcept:
    """As `pipeline.words.mixed`."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u
    return value ^ (value >> 31)


def words(
    list texts not None, const uint8_t[::1] classes, const uint32_t[::1] folds, const uint64_t[::1] powers, int first_class,
    int last_class, int alone, int64_t[::1] starts,
):
    """Number, length and standing alone of every word, flat, as `pipeline.words.read_words`; fills in where each text's begin."""
    cdef Numbers hashes = Numbers(), lengths = Numbers(), unspaced = Numbers()
    cdef Py_ssize_t row, at, size, within = 0
    cdef int kind, char_class
    cdef const void* data
    cdef Py_UCS4 char
    cdef str text
    cdef uint64_t value = 0
    cdef bint inside, is_alone = False, was_alone
    cdef const uint8_t* class_of
    cdef const uint32_t* fold_of
    cdef const uint64_t* power_of
    cdef Py_ssize_t last_power = len(powers) - 1
    check(len(starts) == len(texts) + 1 and len(classes) == len(folds) == 0x10000 and last_power >= 0)
    class_of, fold_of, power_of = &classes[0], &folds[0], &powers[0]
    for row in range(len(texts)):
        text = texts[row]
        starts[row] = hashes.count
        size, kind, data = len(text), PyUnicode_KIND(text), PyUnicode_DATA(text)
        inside = False
        for at in range(size):
            char = PyUnicode_READ(kind, data, at)
            char_class = class_of[char if char < 0xFFFF else 0xFFFF]
            if char_class < first_class or char_class > last_class:
                if inside:
                    hashes.append(<int64_t>mixed(value))
                    lengths.append(within)
                    unspaced.append(is_alone)
                inside = False
                continue
            was_alone, is_alone = is_alone, char_class == alone
            if inside and (is_alone or was_alone):
                hashes.append(<int64_t>mixed(value))
                lengths.append(within)
                unspaced.append(was_alone)
                inside = False
            if not inside:
                inside, value, within = True, 0, 0
            value += fold_of[char if char < 0xFFFF else 0xFFFF] * power_of[within if within < last_power else last_power]
            within += 1
        if inside:
            hashes.append(<int64_t>mixed(value))
            lengths.append(within)
            unspaced.append(is_alone)
    starts[len(texts)] = hashes.count
    return hashes.buffer(), lengths.buffer(), unspaced.buffer()


cdef int _by_key(const void* one, const void* other) noexcept nogil:
    """Order of words by number, then by block."""
    cdef const Said* first = <const Said*>one
    cdef const Said* second = <const Said*>other
    if first.key != second.key:
        return 1 if first.key > second.key else -1
    return (first.owner > second.owner) - (first.owner < second.owner)


cdef class Saying:
    """The telling words of a page, each with its block, in order of their numbers."""

    cdef Said* words
    cdef Py_ssize_t count

    def __cinit__(self, Py_ssize_t room):
        self.count = 0
        self.words = <Said*>PyMem_Malloc(max(room, 1) * sizeof(Said))
        if self.words == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.words)

    cdef Saying in_order(self):
        """Sorted: dealt out by the first bits of their numbers, then heap by heap; many equal first bits cost a logarithm."""
        cdef Saying dealt = Saying(self.count)
        cdef Py_ssize_t at, stop, place, heaps = 1
        cdef int shift = 64
        cdef Said word
        while heaps < self.count and heaps < 1 << 20:
            heaps, shift = 2 * heaps, shift - 1
        cdef int64_t[::1] stops = array("q", bytes(8 * (heaps + 1)))
        for at in range(self.count):
            stops[(self.words[at].key >> shift if shift < 64 else 0) + 1] += 1
        for at in range(heaps):
            stops[at + 1] += stops[at]
        for at in range(self.count):
            word = self.words[at]
            place = stops[word.key >> shift if shift < 64 else 0]
            stops[word.key >> shift if shift < 64 else 0] += 1
            dealt.words[place] = word
        dealt.count, at = self.count, 0
        # Each heap now ends where the next began.
        for place in range(heaps):
            stop = stops[place]
            if stop - at > 1:
                _sort(dealt.words + at, stop - at)
            at = stop
        return dealt


cdef void _sort(Said* words, Py_ssize_t count) noexcept:
    cdef Py_ssize_t at, place
    cdef Said word
    if count > 16:
        qsort(words, count, sizeof(Said), _by_key)
        return
    for at in range(1, count):
        word, place = words[at], at
        while place and _by_key(&words[place - 1], &word) > 0:
            words[place] = words[place - 1]
            place -= 1
        words[place] = word


cdef Saying _telling(
    const uint64_t[::1] hashes, const int64_t[::1] starts, const int64_t[::1] lengths, const uint8_t[::1] unspaced,
    int telling_chars,
):
    """As `pipeline.features._telling`, in order."""
    cdef Saying said = Saying(len(hashes))
    cdef Py_ssize_t row, at
    cdef uint64_t key
    for row in range(len(starts) - 1):
        for at in range(starts[row], starts[row + 1]):
            key = hashes[at]
            if unspaced[at] and at + 1 < starts[row + 1] and unspaced[at + 1]:
                key = mixed(key + (hashes[at + 1] << 1))
            elif unspaced[at] or lengths[at] < telling_chars:
                continue
            check(said.count < len(hashes))
            said.words[said.count].key, said.words[said.count].owner = key, row
            said.count += 1
    return said.in_order()


def story(
    const uint64_t[::1] hashes, const int64_t[::1] starts, const int64_t[::1] lengths, const uint8_t[::1] unspaced,
    list texts not None, const float[:] link_share, double long_words, float linked, int telling_chars, double short_cost,
    double long_gain, int reach, const double[::1] logarithms, double[:, ::1] raw,
):
    """Fill in what `pipeline.features._story_raw` tells; `logarithms` are those of one more than 0, 1, 2 up to the blocks."""
    cdef Py_ssize_t blocks = len(texts), row, at
    cdef int64_t chars = 0, total = 0, size
    cdef double[::1] gain = array("d", bytes(8 * blocks))
    cdef uint8_t[::1] is_long = bytearray(blocks)
    check(len(starts) == blocks + 1 and raw.shape[0] == blocks and raw.shape[1] == 11 and len(link_share) == blocks)
    check(len(logarithms) == blocks + 1 and len(hashes) == len(lengths) == len(unspaced) == starts[blocks])
    for row in range(blocks):
        gain[row] = 0
        for at in range(starts[row], starts[row + 1]):
            gain[row] += 0.5 if unspaced[at] else 1.0
        is_long[row] = gain[row] >= long_words and link_share[row] < linked
        gain[row] = min(gain[row], long_gain) if is_long[row] else -short_cost
        if is_long[row]:
            total += len(<str>texts[row])
    total = max(total, 1)
    at = -blocks
    for row in range(blocks):
        size = len(<str>texts[row]) if is_long[row] else 0
        chars += size
        if is_long[row]:
            at = row
        raw[row, 3] = <double>(chars - size) / total
        raw[row, 4] = 1 - <double>chars / total
        raw[row, 5] = min(row - at, reach)
    at = 2 * blocks
    for row in range(blocks - 1, -1, -1):
        if is_long[row]:
            at = row
        raw[row, 6] = min(at - row, reach)
    _echoes(_telling(hashes, starts, lengths, unspaced, telling_chars), is_long, logarithms, raw)
    _run(gain, raw)


cdef int _echoes(Saying said, uint8_t[::1] is_long, const double[::1] logarithms, double[:, ::1] raw) except -1:
    """As `pipeline.features._echoes`."""
    cdef Py_ssize_t first = 0, stop, at, row
    cdef int64_t[::1] words = array("q", bytes(8 * len(is_long)))
    cdef int64_t in_long, elsewhere
    cdef uint64_t key
    while first < said.count:
        key, stop, in_long = said.words[first].key, first, 0
        while stop < said.count and said.words[stop].key == key:
            if stop == first or said.words[stop].owner != said.words[stop - 1].owner:
                in_long += is_long[said.words[stop].owner]
            stop += 1
        for at in range(first, stop):
            if at > first and said.words[at].owner == said.words[at - 1].owner:
                continue
            row = said.words[at].owner
            elsewhere = in_long - is_long[row]
            words[row] += 1
            if elsewhere:
                raw[row, 1] += 1
                raw[row, 2] += logarithms[elsewhere]
        first = stop
    for row in range(len(is_long)):
        raw[row, 0] = raw[row, 1] / max(words[row], 1)
        raw[row, 2] /= max(words[row], 1)
    return 0


cdef int _run(double[::1] gain, double[:, ::1] raw) except -1:
    """As `pipeline.features._run`."""
    cdef Py_ssize_t row, blocks = len(gain), first = 0, stop = 0, lowest_at = 0
    cdef double total = 0, lowest = 0, most = 0
    for row in range(blocks):
        total += gain[row]
        if total < lowest:
            lowest, lowest_at = total, row + 1
        if total - lowest > most:
            most, first, stop = total - lowest, lowest_at, row + 1
    for row in range(blocks):
        raw[row, 7] = first <= row < stop
        raw[row, 8], raw[row, 9] = max(first - row, 0), max(row - stop + 1, 0)
        raw[row, 10] = min(max(<double>(row - first) / max(stop - first, 1), -1), 2)
    return 0


def tokens(
    const uint64_t[::1] hashes, const int64_t[::1] starts, uint64_t[::1] marks, int first_words, int last_words, int anywhere,
    uint64_t buckets, int64_t[::1] token_starts,
):
    """As `pipeline.features._word_tokens`, flat; fills in where each block's begin."""
    cdef Numbers found = Numbers()
    cdef Py_ssize_t row, at, first, stop, blocks = len(starts) - 1
    check(len(token_starts) == len(starts) and len(marks) == 3 and buckets > 0)
    for row in range(blocks):
        token_starts[row] = found.count
        first, stop = starts[row], starts[row + 1]
        for at in range(first, min(stop, first + first_words)):
            found.append(mixed(hashes[at] + marks[0]) % buckets)
        for at in range(max(first, stop - last_words), stop):
            found.append(mixed(hashes[at] + marks[1]) % buckets)
        for at in range(first, min(stop, first + anywhere)):
            found.append(mixed(hashes[at] + marks[2]) % buckets)
    token_starts[blocks] = found.count
    return found.buffer()


def paths(
    list paths not None, list near not None, str separators not None, int parts, int64_t buckets, path_parts,
    int64_t[::1] starts, int64_t[:, ::1] groups,
):
    """Buckets of the words of every path's steps by distance, flat; fills in where each path's begin, and `groups`."""
    cdef Numbers tokens = Numbers()
    cdef dict known = {}, parents = {}
    cdef tuple found
    cdef Py_ssize_t row, first
    cdef str path, parent
    cdef bint[128] separate
    for row in range(128):
        separate[row] = Py_UNICODE_ISSPACE(row) or chr(row) in separators
    check(len(starts) == len(paths) + 1 and buckets > 0 and near and groups.shape[0] == 2 and groups.shape[1] == len(paths))
    for row in range(len(paths)):
        path = paths[row]
        starts[row] = first = tokens.count
        found = known.get(path)
        if found is not None:
            tokens.repeat(found[2], found[3])
        else:
            if PyUnicode_IS_ASCII(path):
                _ascii_path(tokens, path, near, separate, parts, buckets)
            elif path:
                _any_path(tokens, path, near, buckets, path_parts)
            parent = path.rpartition("/")[0]
            found = known[path] = (len(known), parents.setdefault(parent, len(parents)), first, tokens.count)
        groups[0, row], groups[1, row] = found[0], found[1]
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


# A float this large ends in units: adding it rounds to the nearest integer, ties to even, up to the limit.
cdef float UNITS = 12582912.0, LIMIT = 4194304.0


cdef inline bint _speaks(float given, float value, float high_from, float low_to) noexcept nogil:
    """Whether a fact has something to say: that it is high, from a value on, or that it is low, up to one."""
    return value >= high_from if given > 0 else value <= low_to


cdef bint _best_two(
    const float* given, const float* values, const float* linear, const float* high_from, const float* low_to,
    Py_ssize_t facts, float unit, Py_ssize_t* first, Py_ssize_t* second,
) noexcept nogil:
    """The two facts that weigh most, the heavier first, the earlier of equals; -1 for none. Whether all are within the limit."""
    cdef Py_ssize_t fact
    cdef float weight, most = UNITS, next_most = UNITS
    first[0] = second[0] = -1
    for fact in range(facts):
        weight = given[fact] * linear[fact] * unit
        if weight + UNITS <= next_most or not _speaks(given[fact], values[fact], high_from[fact], low_to[fact]):
            continue
        if weight >= LIMIT:
            return False
        weight += UNITS
        if weight > most:
            second[0], next_most = first[0], most
            first[0], most = fact, weight
        else:
            second[0], next_most = fact, weight
    return True


def explain(
    const float[:, ::1] standard, const float[:, ::1] dense, const float[:, ::1] surrogate, const int64_t[:] chosen,
    list high not None, list low not None, const float[::1] high_from, const float[::1] low_to, float unit,
):
    """As `pipeline.why.explain`, but `surrogate` is (classes, facts), and None for weights too large for it.

    `unit` is how finely weights are told apart, as its inverse.
    """
    cdef Py_ssize_t row, facts = standard.shape[1], first, second
    cdef list result = []
    cdef str reason, other
    check(dense.shape[0] == standard.shape[0] == chosen.shape[0] and surrogate.shape[1] == dense.shape[1] == facts)
    check(len(high) == len(low) == len(high_from) == len(low_to) == facts and facts)
    for row in range(standard.shape[0]):
        if not _best_two(
            &standard[row, 0], &dense[row, 0], &surrogate[chosen[row], 0], &high_from[0], &low_to[0], facts, unit,
            &first, &second,
        ):
            return None
        reason = ""
        if first >= 0:
            reason = high[first] if standard[row, first] > 0 else low[first]
        if second >= 0:
            other = high[second] if standard[row, second] > 0 else low[second]
            if other != reason:
                reason = f"{reason}, {other}"
        result.append(reason)
    return result


def with_roles(
    blocks, type block_type, Py_ssize_t place, tuple roles not None, const int64_t[:] chosen, const double[:, :] p, list reasons not None,
    const uint8_t[:] listed,
):
    """As `pipeline.label._with_roles`: of the twelve fields of a `Block`, those from `place`, the seventh, on."""
    cdef Py_ssize_t row = 0
    cdef list result = []
    check(len(blocks) == len(chosen) == p.shape[0] == len(reasons) == len(listed) and place == 6 and p.shape[1] == len(roles))
    for block in blocks:
        check(isinstance(block, tuple) and len(block) == 12)
        fields = (
            <object>PyTuple_GET_ITEM(block, 0), <object>PyTuple_GET_ITEM(block, 1), <object>PyTuple_GET_ITEM(block, 2),
            <object>PyTuple_GET_ITEM(block, 3), <object>PyTuple_GET_ITEM(block, 4), <object>PyTuple_GET_ITEM(block, 5),
            roles[chosen[row]], p[row, chosen[row]], reasons[row], <object>PyTuple_GET_ITEM(block, 9), <object>PyTuple_GET_ITEM(block, 10),
            listed[row] != 0,
        )
        result.append(named(block_type, fields))
        row += 1
    return result
