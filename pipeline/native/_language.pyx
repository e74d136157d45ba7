# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The language reader in C: the same whole numbers as `pipeline.language_reading.Reader` gives, sooner."""

import unicodedata

import numpy as np

from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Substring
from libc.math cimport rint, sqrt
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from pipeline.native._checked cimport check

# What the compiler only makes fast when it is told that nothing overlaps.
cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_MSC_VER)
    #define PRESSCUT_ALONE __restrict
    #else
    #define PRESSCUT_ALONE __restrict__
    #endif
    #if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
    /* Wider registers where the processor has them; no fused operations, so the same sums. */
    #define PRESSCUT_WIDE __attribute__((target_clones("avx2", "default")))
    #else
    #define PRESSCUT_WIDE
    #endif

    #if defined(__GNUC__)
    #define PRESSCUT_ASK_FOR(place) __builtin_prefetch(place)
    #else
    #define PRESSCUT_ASK_FOR(place)
    #endif

    PRESSCUT_WIDE static void presscut_add_rows(
        int16_t *PRESSCUT_ALONE out, const int8_t *PRESSCUT_ALONE table, const uint32_t *PRESSCUT_ALONE rows,
        int count, int width)
    {
        int first = 0;
        /* Sixteen sums stay in one wide register; of all the lanes at once, compilers make a loop of single additions. */
        for (; first + 16 <= width; first += 16) {
            int16_t sums[16] = {0};
            for (int n = 0; n < count; n++) {
                const int8_t *row = table + (int64_t)rows[n] * width + first;
                for (int lane = 0; lane < 16; lane++) sums[lane] += row[lane];
            }
            for (int lane = 0; lane < 16; lane++) out[first + lane] = sums[lane];
        }
        for (; first < width; first++) {
            out[first] = 0;
            for (int n = 0; n < count; n++) out[first] += table[(int64_t)rows[n] * width + first];
        }
    }

    /* Whole numbers: the order of the sums does not matter. */
    PRESSCUT_WIDE static void presscut_dot(
        double *PRESSCUT_ALONE out, const double *PRESSCUT_ALONE vector, const double *PRESSCUT_ALONE layer,
        int64_t dimensions, int64_t columns)
    {
        for (int64_t c = 0; c < columns; c++) out[c] = 0;
        for (int64_t d = 0; d < dimensions; d++) {
            const double weight = vector[d];
            const double *row = layer + d * columns;
            for (int64_t c = 0; c < columns; c++) out[c] += weight * row[c];
        }
    }

    PRESSCUT_WIDE static void presscut_count(
        int32_t *PRESSCUT_ALONE out, const int16_t *PRESSCUT_ALONE row, int16_t times, int64_t columns)
    {
        for (int64_t c = 0; c < columns; c++) out[c] += (int32_t)times * (int32_t)row[c];
    }
    """
    void PRESSCUT_ASK_FOR(const int8_t *) noexcept nogil
    void presscut_add_rows(int16_t *, const int8_t *, const uint32_t *, int, int) noexcept nogil
    void presscut_dot(double *, const double *, const double *, int64_t, int64_t) noexcept nogil
    void presscut_count(int32_t *, const int16_t *, int16_t, int64_t) noexcept nogil

cdef extern from "Python.h":
    bint Py_UNICODE_ISSPACE(Py_UCS4 point) noexcept nogil

cdef enum:
    # As in language_tokens and scripts; `_prepare` compares them.
    CUT_BEFORE = 1
    CUT_AFTER = 2
    CAPITALISED = 4
    WORD = 8
    WEAK = 16
    DIGITS = 32
    LOWER_CASE = 64
    LETTER = 1
    UPPER = 2
    DIGIT = 4
    SUSPECT = 8
    DOT = 16
    OPENING = 32
    BORDER = 64
    LOOSE = 128
    FEATURE_CHARACTERS = 64
    # Of a token: at most one of every order at every place, and a word at every second one.
    MOST_FEATURES = 6 * FEATURE_CHARACTERS + 16

cdef int64_t TICKS, ONE, NEVER, LIMIT, KEPT_TOKENS, KEPT_CHARACTERS, PIECE_LETTERS, PIECE_DOUBT, PIECE_READ
cdef int64_t MONOTONOUS_DOUBT, MOST_LETTERS, TENTHS
cdef int64_t NAMES_UP_TO, NEUTRAL, GRAMS_FLOOR, PY3LANGID_FLOOR, PYCLD2_FLOOR, WORDS_FLOOR, MOST_COUNTED
cdef double LN2_TICKS, SMALLEST, LARGEST, MONOTONOUS_SHARE, MONOTONOUS_SETTLE_AT, CLEAR_AT, DOUBTED, NAMES_FROM
cdef double NAMES_AT_MOST, FIXED
cdef uint64_t ROLL, MULTIPLIER, ORDER_STEP, WORD_MASK
cdef int SHARE_SHIFT, SHARE_BITS
cdef Py_ssize_t READ_CHARACTERS
cdef int64_t COARSE[512]
cdef int64_t FINE[256]
cdef double MANTISSA[4096]
cdef uint64_t POWERS[FEATURE_CHARACTERS + 1]
# Which hashes of short words may be a unit's.
cdef uint8_t UNITS[1024]
# What marks may do at the end of a token; they all are below 2**16.
cdef uint8_t MARKS[65536]
cdef enum:
    # Products of a weight and a count's logarithm that a 32-bit sum holds.
    SUMMED_AT_ONCE = 8
    UNIT_LETTERS = 4
    CLOSING = 1
    ENDING = 2
    DASH = 4
    # Vectors of so many tokens are added up in 32 bits.
    ADDED_AT_ONCE = 60000
    USUAL_DIMENSIONS = 32
    CACHE_LINE = 64
    KEPT_TEXTS = 2000
    KEPT_TEXT_CHARACTERS = 40
    NOBODY = -1
    NO_LANGUAGE = 1
    SHORTENED = 2
cdef object is_not_language, is_unit, percents_by_pycld2, PageReading, Look, Settled, Weighed, Span, DECIDED
cdef bint prepared = False


cdef struct Facts:
    int32_t letters
    int16_t flags
    # Are the weights of the n-grams added up yet?
    uint8_t read
    # What stands between the features and the characters: NO_LANGUAGE, SHORTENED, LOOSE.
    uint8_t unlike
    int64_t scripts


cdef struct Slot:
    # A token that is known: where its characters are kept, and its row.
    uint64_t hash
    int64_t start
    int32_t length
    int32_t row


cdef _prepare():
    """Take tables and constants from the Python modules, once: when this module is loaded, they are not yet."""
    global TICKS, ONE, NEVER, LIMIT, KEPT_TOKENS, KEPT_CHARACTERS, PIECE_LETTERS, PIECE_DOUBT, PIECE_READ, MONOTONOUS_DOUBT, MOST_LETTERS, TENTHS
    global NAMES_UP_TO, NEUTRAL, GRAMS_FLOOR, PY3LANGID_FLOOR, PYCLD2_FLOOR, WORDS_FLOOR, MOST_COUNTED
    global LN2_TICKS, SMALLEST, LARGEST, MONOTONOUS_SHARE, MONOTONOUS_SETTLE_AT, CLEAR_AT, DOUBTED, NAMES_FROM
    global NAMES_AT_MOST, FIXED, ROLL, MULTIPLIER, ORDER_STEP, WORD_MASK, SHARE_SHIFT, SHARE_BITS, READ_CHARACTERS
    global is_not_language, is_unit, percents_by_pycld2, PageReading, Look, Settled, Weighed, Span, DECIDED, prepared
    from pipeline import language_engines, language_look, language_numbers, language_reading, language_tokens, language_words, model, scripts

    tables = language_numbers.tables()
    for n, value in enumerate(tables.coarse.tolist()):
        COARSE[<Py_ssize_t>n] = value
    for n, value in enumerate(tables.fine.tolist()):
        FINE[<Py_ssize_t>n] = value
    for n, value in enumerate(tables.mantissa.tolist()):
        MANTISSA[<Py_ssize_t>n] = value
    for n, value in enumerate(language_tokens.word_powers().tolist()):
        POWERS[<Py_ssize_t>n] = value
    TICKS, ONE, NEVER = language_numbers.TICKS, language_numbers.ONE, language_numbers.NEVER
    LIMIT, LN2_TICKS = language_numbers.LEAST_NATS * TICKS, language_numbers.LN2_TICKS
    SMALLEST, LARGEST = language_numbers.SMALLEST, language_numbers.LARGEST
    theirs = [getattr(language_tokens, name) for name in (
        "CUT_BEFORE", "CUT_AFTER", "CAPITALISED", "WORD", "WEAK", "DIGITS", "LOWER_CASE", "FEATURE_CHARACTERS")]
    check(theirs == [CUT_BEFORE, CUT_AFTER, CAPITALISED, WORD, WEAK, DIGITS, LOWER_CASE, FEATURE_CHARACTERS])
    theirs = [getattr(scripts, name) for name in (
        "LETTER", "UPPER", "DIGIT", "SUSPECT", "DOT", "OPENING", "BORDER", "LOOSE")]
    check(theirs == [LETTER, UPPER, DIGIT, SUSPECT, DOT, OPENING, BORDER, LOOSE])
    KEPT_TOKENS, KEPT_CHARACTERS = language_tokens.KEPT_TOKENS, language_tokens.KEPT_CHARACTERS
    ROLL, MULTIPLIER = int(language_tokens.ROLL), int(language_tokens.MULTIPLIER)
    ORDER_STEP, WORD_MASK = language_tokens.ORDER_STEP, int(language_tokens.WORD_MASK)
    is_not_language, is_unit = language_tokens.is_not_language, language_tokens.is_unit
    for marks, bit in ((scripts.CLOSING, CLOSING), (scripts.ENDING, ENDING), (scripts.DASHES, DASH)):
        for mark in marks:
            MARKS[<uint16_t>ord(mark)] |= bit
    for unit in language_tokens.UNITS:
        UNITS[_unit_hash(unit)] = 1
    PIECE_LETTERS, PIECE_DOUBT = language_look.PIECE_LETTERS, language_look.PIECE_DOUBT
    MONOTONOUS_DOUBT, MONOTONOUS_SHARE = language_look.MONOTONOUS_DOUBT, language_look.MONOTONOUS_SHARE
    MONOTONOUS_SETTLE_AT, CLEAR_AT = language_look.MONOTONOUS_SETTLE_AT, language_look.CLEAR_AT
    SHARE_BITS = language_look.SHARE_BITS
    SHARE_SHIFT = 30 - SHARE_BITS
    DOUBTED = language_look.DOUBTED_LETTERS * language_look.TENTHS * language_look.SHARE_ONE
    Look, Settled, Weighed = language_look.Look, language_look.Settled, language_look.Weighed
    PageReading, MOST_LETTERS = language_reading.PageReading, language_reading.MOST_LETTERS
    Span, DECIDED, TENTHS = model.Span, language_look.DECIDED, language_look.TENTHS
    NAMES_FROM, NAMES_UP_TO = language_reading.NAMES_FROM, language_reading.NAMES_UP_TO
    NAMES_AT_MOST, PIECE_READ = language_reading.NAMES_AT_MOST, language_reading.PIECE_READ
    NEUTRAL, READ_CHARACTERS = language_engines.NEUTRAL_BELOW_BEST, language_engines.READ_CHARACTERS
    GRAMS_FLOOR, PY3LANGID_FLOOR, PYCLD2_FLOOR = (
        language_engines.FLOORS["grams"], language_engines.FLOORS["py3langid"], language_engines.FLOORS["pycld2"])
    WORDS_FLOOR = language_words.WORDS_FLOOR
    FIXED, MOST_COUNTED = language_engines.FIXED, language_engines.MOST_COUNTED
    percents_by_pycld2 = language_engines.percents_by_pycld2
    prepared = True


cdef int _unit_hash(str letters) except -1:
    cdef uint64_t key = 0
    for letter in letters:
        key = (key << 16) + ord(letter)
    return (key * MULTIPLIER) >> 54


cdef inline int64_t parts(int64_t ticks) noexcept nogil:
    cdef int64_t place = -ticks
    if place > LIMIT:
        place = LIMIT
    return (COARSE[place >> 8] * FINE[place & 255]) >> 30


cdef inline int64_t ticks_of(double number) noexcept nogil:
    cdef uint64_t bits
    cdef double mantissa
    cdef int exponent
    if not number > SMALLEST:
        number = SMALLEST
    if number > LARGEST:
        number = LARGEST
    memcpy(&bits, &number, 8)
    exponent = <int>(bits >> 52) - 1022
    bits = (bits & 0x000FFFFFFFFFFFFFULL) | 0x3FE0000000000000ULL
    memcpy(&mantissa, &bits, 8)
    return <int64_t>(MANTISSA[<int>((mantissa - 0.5) * 8192)] + exponent * LN2_TICKS)


cdef void log_shares(int64_t *logits, Py_ssize_t count) noexcept nogil:
    """Make logits into logarithms of probabilities that add up to one, in place."""
    cdef Py_ssize_t n
    cdef int64_t top = logits[0], total = 0, log_total
    for n in range(1, count):
        if logits[n] > top:
            top = logits[n]
    for n in range(count):
        logits[n] -= top
        total += parts(logits[n])
    log_total = ticks_of(<double>total / <double>ONE)
    for n in range(count):
        logits[n] = logits[n] - log_total if logits[n] > NEVER // 2 else NEVER


cdef class Cheap:
    """`language_engines.CheapModel` with its arrays at hand."""

    cdef Py_ssize_t dimensions, columns, longest
    cdef double scale
    cdef const double[:, ::1] layer
    cdef const double[::1] layer_bias, weights, bias
    cdef const uint8_t[::1] distinct
    cdef double *sums

    def __cinit__(self, model):
        self.layer, self.layer_bias, self.weights, self.bias = model.layer, model.layer_bias, model.weights, model.bias
        self.distinct = model.distinct.view(np.uint8)
        self.scale = model.scale
        self.dimensions, self.columns, self.longest = self.layer.shape[0], self.layer.shape[1], len(self.weights) - 1
        self.sums = <double *>PyMem_Malloc((self.columns + 1) * sizeof(double))
        if not self.sums:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.sums)

    cdef void logits(self, double *vector, int64_t letters, int64_t *out) noexcept:
        cdef Py_ssize_t c
        cdef double weight = self.weights[min(letters, self.longest)]
        cdef double seen = vector[self.dimensions]
        cdef double scale = weight * self.scale / sqrt(seen if seen > 1 else 1.0)
        presscut_dot(self.sums, vector, &self.layer[0, 0], self.dimensions, self.columns)
        for c in range(self.columns):
            out[c] = <int64_t>((self.sums[c] * scale + weight * self.layer_bias[c]) * <double>TICKS + self.bias[c])


cdef struct Sums:
    # Vectors of tokens, added up.
    int32_t count
    int32_t total[1024]


cdef inline void _add_token(Sums *sums, const int16_t *vector, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t n
    if width == USUAL_DIMENSIONS + 1:
        for n in range(USUAL_DIMENSIONS + 1):
            sums.total[n] += vector[n]
    else:
        for n in range(width):
            sums.total[n] += vector[n]
    sums.count += 1


cdef void _flush(Sums *sums, double *out, Py_ssize_t width) noexcept nogil:
    cdef Py_ssize_t n
    if sums.count:
        for n in range(width):
            out[n] += sums.total[n]
            sums.total[n] = 0
        sums.count = 0


cdef class Weighing:
    """`language_look.weigh`, row by row."""

    cdef object arrays
    cdef int64_t[::1] best, second, own, why
    cdef double[::1] confidence, second_share

    def __cinit__(self, Py_ssize_t rows):
        self.arrays = [*(np.empty(rows, np.int64) for _ in range(4)), *(np.empty(rows, np.float64) for _ in range(2))]
        self.best, self.second, self.own, self.why, self.confidence, self.second_share = self.arrays

    cdef found(self):
        return Weighed(*self.arrays)

    cdef void weigh(
        self, Py_ssize_t row, Py_ssize_t columns, const int64_t *logs, double evidence, const double *mix,
        const double *hints, double floor, int64_t *prior, int64_t *kept,
    ) noexcept:
        """Leaves the prior, in ticks, and the evidence kept for the caller."""
        cdef Py_ssize_t c, best = 0, own = 0, unhinted = 0, second = 0
        cdef int64_t plain, plain_best = 0, total = 0, odds, runner_up = -1
        for c in range(columns):
            kept[c] = <int64_t>(<double>logs[c] * evidence)
            plain = ticks_of(mix[c] + floor)
            prior[c] = plain if hints is NULL else ticks_of(mix[c] + hints[c] + floor)
            plain += kept[c]
            if c == 0 or plain > plain_best:
                plain_best = plain
                unhinted = c
            if kept[c] + prior[c] > kept[best] + prior[best]:
                best = c
            if kept[c] > kept[own]:
                own = c
        for c in range(columns):
            odds = parts(kept[c] + prior[c] - kept[best] - prior[best])
            total += odds
            if c != best and odds > runner_up:
                runner_up = odds
                second = c
        self.best[row], self.second[row], self.own[row] = best, second, own
        self.why[row] = 0 if own == best else 1 if unhinted == best else 2
        self.confidence[row] = <double>ONE / <double>total
        self.second_share[row] = <double>max(runner_up, 0) / <double>total


def _aligned(table):
    """A copy whose rows cross no border of the processor's cache lines: half of them would be fetched twice."""
    raw = np.empty(table.size + CACHE_LINE, np.int8)
    start = -raw.ctypes.data % CACHE_LINE
    found = raw[start : start + table.size].reshape(table.shape)
    found[:] = table
    return found


cdef class Reader:
    """Reads texts with one model. It remembers the readings of tokens, which depend on nothing else."""

    cdef object encode, columns_of
    cdef dict cheap
    cdef const int8_t[:, ::1] table
    cdef const uint8_t[::1] kind, script
    cdef const uint32_t[::1] lower
    cdef Py_ssize_t dimensions
    cdef int shift
    cdef int16_t *vectors
    cdef Facts *facts
    cdef Py_ssize_t room, used
    # Known tokens, by the hash of their characters.
    cdef Slot *slots
    cdef uint64_t slot_mask, seed
    cdef Py_ssize_t known, kept, kept_room
    cdef uint32_t *characters
    cdef int32_t *token_rows
    cdef Py_ssize_t token_room
    # The weights asked for last, and the token that they are for: added up when the next ones are asked for, since the
    # table is bigger than the near caches.
    cdef uint32_t asked[MOST_FEATURES]
    cdef int asked_count
    cdef int32_t asked_row
    # The pool.
    cdef Py_ssize_t languages, taught, codes
    cdef const double[:, ::1] layer, by_letters
    cdef const double[::1] layer_bias, bias
    cdef const uint8_t[:, ::1] candidates, grams_know
    cdef const uint8_t[::1] py3langid_knows, pycld2_knows, words_know
    cdef const uint32_t[::1] word_hashes
    cdef const int64_t[::1] word_columns, word_gains
    # Where the hashes with the same upper half start.
    cdef const int64_t[::1] word_starts
    cdef double scale
    cdef const uint32_t[::1] next_state
    # Of every state, the row of its next ones and the feature seen when it is reached.
    cdef const int32_t[:, ::1] states
    cdef const int64_t[::1] code_prior, log_of_count
    cdef const int16_t[:, ::1] code_weights
    cdef int32_t[::1] code_column
    cdef int32_t[::1] seen
    cdef int32_t[::1] touched
    # What the steps of one text's reading write to, kept from text to text.
    cdef int64_t[:, ::1] logs
    cdef int64_t[::1] scores, of_language
    cdef int32_t[::1] partial
    cdef double[::1] products
    # Answers for short texts: menus repeat on a site, and the words in them everywhere.
    cdef dict known_texts
    cdef int64_t[:, ::1] known_answers

    def __cinit__(self, model):
        from pipeline import language_tokens, scripts

        if not prepared:
            _prepare()
        tables = scripts.character_tables()
        self.kind, self.script, self.lower = tables.kind, tables.script, tables.feature
        self.table = _aligned(language_tokens.unpack_table(model.table))
        self.dimensions = self.table.shape[1]
        self.shift = 64 - (int(self.table.shape[0]).bit_length() - 1)
        # The seed keeps pages from choosing words that collide; no answer depends on it.
        self.seed = <uint64_t>(hash("a seed of this process") & 0xFFFFFFFF)
        self.cheap = {}
        self.used, self.room, self.token_room = 0, 1024, 1024
        self.asked_row = NOBODY
        self.known, self.kept, self.kept_room, self.slot_mask = 0, 0, 8192, 4095
        self.vectors = <int16_t *>PyMem_Malloc(self.room * (self.dimensions + 1) * sizeof(int16_t))
        self.facts = <Facts *>PyMem_Malloc(self.room * sizeof(Facts))
        self.token_rows = <int32_t *>PyMem_Malloc(self.token_room * sizeof(int32_t))
        self.characters = <uint32_t *>PyMem_Malloc(self.kept_room * sizeof(uint32_t))
        self.slots = <Slot *>PyMem_Malloc((self.slot_mask + 1) * sizeof(Slot))
        if not self.vectors or not self.facts or not self.token_rows or not self.characters or not self.slots:
            raise MemoryError
        memset(self.slots, 0, (self.slot_mask + 1) * sizeof(Slot))
        self._prepare_pool(model)

    def __dealloc__(self):
        PyMem_Free(self.vectors)
        PyMem_Free(self.facts)
        PyMem_Free(self.token_rows)
        PyMem_Free(self.characters)
        PyMem_Free(self.slots)

    cdef _prepare_pool(self, model):
        self.languages, self.taught = len(model.languages), model.layer.shape[1]
        self.layer, self.layer_bias, self.scale = model.layer, model.layer_bias, model.scale
        self.by_letters, self.bias = model.pool.by_letters, model.pool.bias
        self.candidates, self.grams_know = model.candidates.view(np.uint8), model.grams_know.view(np.uint8)
        self.py3langid_knows = model.knows["py3langid"].view(np.uint8)
        self.pycld2_knows = model.knows["pycld2"].view(np.uint8)
        self.words_know = model.words.knows.view(np.uint8)
        self.word_hashes, self.word_columns, self.word_gains = (
            model.words.hashes, model.words.columns, model.words.gains)
        self.word_starts = np.searchsorted(model.words.hashes >> 16, np.arange((1 << 16) + 1))
        self.columns_of = model.columns
        from pipeline import language_engines

        other = language_engines.py3langid()
        self.encode = other.encode
        self.next_state = other.next
        self.states = np.stack([other.row, other.feature], axis=1).astype(np.int32)
        self.code_weights, self.code_prior = other.weights, other.prior
        self.log_of_count = language_engines.logs_of_counts()
        self.codes = len(other.codes)
        self.code_column = np.array([model.columns.get(code, -1) for code in other.codes], dtype=np.int32)
        self.seen = np.zeros(len(other.weights), dtype=np.int32)
        self.touched = np.zeros(len(other.weights), dtype=np.int32)
        self.logs = np.empty((4, self.languages), np.int64)
        self.scores, self.partial = np.empty(self.codes, np.int64), np.empty(self.codes, np.int32)
        self.of_language, self.products = np.empty(self.languages, np.int64), np.empty(self.taught, np.float64)
        self.known_texts, self.known_answers = {}, np.empty((KEPT_TEXTS, self.languages), np.int64)

    # --- tokens

    cdef int _grow(self) except -1:
        cdef Py_ssize_t room = 2 * self.room
        cdef int16_t *vectors = <int16_t *>PyMem_Realloc(self.vectors, room * (self.dimensions + 1) * sizeof(int16_t))
        if not vectors:
            raise MemoryError
        self.vectors = vectors
        cdef Facts *facts = <Facts *>PyMem_Realloc(self.facts, room * sizeof(Facts))
        if not facts:
            raise MemoryError
        self.facts = facts
        self.room = room
        return 0

    cdef int _forget(self) except -1:
        """Make room between calls; rows that a call has found stay where they are."""
        self._add_asked()
        if self.used > KEPT_TOKENS:
            memset(self.slots, 0, (self.slot_mask + 1) * sizeof(Slot))
            self.used = self.known = self.kept = 0
        return 0

    cdef int32_t _row(self, text, int kind, const void *data, Py_ssize_t start, Py_ssize_t end, uint64_t hashed) except -1:
        """The row of the token that stands at a place in a text."""
        cdef Slot *slot
        cdef Py_ssize_t n, length = end - start
        cdef uint64_t at
        cdef const uint32_t *kept
        cdef int32_t row
        hashed = (hashed ^ (hashed >> 29)) * MULTIPLIER
        hashed ^= hashed >> 32
        # Zero marks a free slot.
        hashed |= 1
        at = (hashed >> 1) & self.slot_mask
        while self.slots[at].hash:
            slot = &self.slots[at]
            if slot.hash == hashed and slot.length == length:
                kept = self.characters + slot.start
                n = 0
                while n < length and kept[n] == PyUnicode_READ(kind, data, start + n):
                    n += 1
                if n == length:
                    return slot.row
            at = (at + 1) & self.slot_mask
        row = self._learn(text, kind, data, start, end)
        if length <= KEPT_CHARACTERS:
            self._keep(kind, data, start, length, hashed, row)
        return row

    cdef int _keep(
        self, int kind, const void *data, Py_ssize_t start, Py_ssize_t length, uint64_t hashed, int32_t row
    ) except -1:
        cdef Py_ssize_t n
        cdef uint32_t *characters
        if 2 * self.known > <Py_ssize_t>self.slot_mask:
            self._double_slots()
        if self.kept + length > self.kept_room:
            characters = <uint32_t *>PyMem_Realloc(self.characters, 2 * self.kept_room * sizeof(uint32_t))
            if not characters:
                raise MemoryError
            self.characters, self.kept_room = characters, 2 * self.kept_room
        cdef Slot *slot = self._free_slot(hashed)
        slot.hash, slot.start, slot.length, slot.row = hashed, self.kept, <int32_t>length, row
        for n in range(length):
            self.characters[self.kept + n] = PyUnicode_READ(kind, data, start + n)
        self.kept += length
        self.known += 1
        return 0

    cdef Slot *_free_slot(self, uint64_t hashed) noexcept:
        cdef uint64_t at = (hashed >> 1) & self.slot_mask
        while self.slots[at].hash:
            at = (at + 1) & self.slot_mask
        return &self.slots[at]

    cdef int _double_slots(self) except -1:
        cdef Slot *before = self.slots
        cdef Py_ssize_t n, count = self.slot_mask + 1
        cdef Slot *slots = <Slot *>PyMem_Malloc(2 * count * sizeof(Slot))
        if not slots:
            raise MemoryError
        memset(slots, 0, 2 * count * sizeof(Slot))
        self.slots, self.slot_mask = slots, 2 * count - 1
        for n in range(count):
            if before[n].hash:
                self._free_slot(before[n].hash)[0] = before[n]
        PyMem_Free(before)
        return 0

    cdef int32_t _learn(self, text, int kind, const void *data, Py_ssize_t start, Py_ssize_t end) except -1:
        cdef Py_ssize_t n, length = end - start
        cdef uint32_t point
        cdef uint8_t bits, last = 0
        cdef int32_t letters = 0, lowers = 0
        cdef int64_t mask = 0
        cdef bint suspect = False, digits = False, upper_first = False, loose = False, featured = False
        cdef bint weak, worded, opens, ends = False
        if self.used == self.room:
            self._grow()
        cdef int32_t row = <int32_t>self.used
        self.used += 1
        point = PyUnicode_READ(kind, data, start)
        opens = self.kind[point] & OPENING and length > 1
        for n in range(length):
            point = PyUnicode_READ(kind, data, start + n)
            bits = last = self.kind[point]
            if bits & LETTER:
                if letters == 0:
                    upper_first = (bits & UPPER) != 0
                letters += 1
                mask |= <int64_t>1 << self.script[point]
                if not bits & UPPER:
                    lowers += 1
            elif bits:
                if bits & DIGIT:
                    digits = True
                if bits & SUSPECT or (bits & DOT and n + 1 < length and (
                        self.kind[PyUnicode_READ(kind, data, start + n + 1)] & (LETTER | DIGIT))):
                    suspect = True
            if self.lower[point] != 32:
                featured = True
            if bits & LOOSE and n < FEATURE_CHARACTERS:
                loose = True
        cdef uint8_t unlike = (LOOSE if loose else 0) | (SHORTENED if length > FEATURE_CHARACTERS else 0)
        if last & BORDER and point < 65536:
            ends = MARKS[point] & CLOSING or (length == 1 and MARKS[point] & DASH) or (
                length > 2 and MARKS[point] & ENDING)
        # Of what has neither letters nor signs that n-grams are made of, it does not matter whether it is language.
        if suspect and (featured or loose) and is_not_language(PyUnicode_Substring(text, start, end)):
            letters = 0
            mask = 0
            unlike = NO_LANGUAGE
        weak = letters <= 1 or (lowers == 0 and upper_first and letters <= 4 and mask == 1)
        if not weak and 0 < letters <= 5 and self._maybe_unit(kind, data, start, end):
            weak = is_unit(PyUnicode_Substring(text, start, end))
        worded = letters > 0
        cdef Facts *facts = &self.facts[row]
        facts.letters, facts.scripts, facts.unlike, facts.read = letters, mask, unlike, False
        facts.flags = (
            (CUT_BEFORE if opens else 0)
            | (CUT_AFTER if ends else 0)
            | (CAPITALISED if upper_first else 0)
            | (WORD if worded else 0)
            | (WEAK if weak else 0)
            | (DIGITS if digits else 0)
            | (LOWER_CASE if worded and not upper_first else 0)
        )
        return row

    cdef int _read_token(self, int32_t row, text, int kind, const void *data, Py_ssize_t start, Py_ssize_t end) except -1:
        """Add up the weights of a token's n-grams."""
        cdef uint8_t unlike = self.facts[row].unlike
        self.facts[row].read = True
        if unlike & NO_LANGUAGE:
            memset(self.vectors + row * (self.dimensions + 1), 0, (self.dimensions + 1) * sizeof(int16_t))
            return 0
        end = min(end, start + FEATURE_CHARACTERS)
        if unlike & LOOSE:
            plain = PyUnicode_Substring(text, start, end)
            if not unicodedata.is_normalized("NFC", plain):
                plain = unicodedata.normalize("NFC", plain)[:FEATURE_CHARACTERS]
            return self._ask(row, PyUnicode_KIND(plain), PyUnicode_DATA(plain), 0, len(plain))
        return self._ask(row, kind, data, start, end)

    cdef bint _maybe_unit(self, int kind, const void *data, Py_ssize_t start, Py_ssize_t end) noexcept:
        """May the letters be a unit's? Only then is it worth asking."""
        cdef Py_ssize_t n
        cdef uint32_t point
        cdef int inside = 0
        cdef uint64_t key = 0
        for n in range(start, end):
            point = PyUnicode_READ(kind, data, n)
            if self.kind[point] & LETTER:
                inside += 1
                key = (key << 16) + self.lower[point]
        return inside <= UNIT_LETTERS and UNITS[(key * MULTIPLIER) >> 54]

    cdef int _ask(self, int32_t row, int kind, const void *data, Py_ssize_t start, Py_ssize_t end) except -1:
        """Ask for the weights of every n-gram and word, as `language_tokens.features` names them."""
        cdef Py_ssize_t length = end - start, size = length + 1, n, place
        cdef uint64_t c[FEATURE_CHARACTERS + 8]
        cdef uint32_t *buckets = self.asked
        cdef uint64_t here, word
        cdef int count = 0
        self._add_asked()
        c[0] = 32
        for n in range(length):
            c[n + 1] = self.lower[PyUnicode_READ(kind, data, start + n)]
        for n in range(size, size + 4):
            c[n] = 32
        for n in range(size):
            here = c[n]
            if here != 32:
                buckets[count] = self._bucket(here + ORDER_STEP)
                count += 1
            elif c[n + 1] == 32:
                continue
            here = here * ROLL + c[n + 1]
            buckets[count] = self._bucket(here + 2 * ORDER_STEP)
            count += 1
            if c[n + 1] == 32:
                continue
            # A window may end with a space, but not beyond it.
            here = here * ROLL + c[n + 2]
            buckets[count] = self._bucket(here + 3 * ORDER_STEP)
            count += 1
            if c[n + 2] == 32:
                continue
            here = here * ROLL + c[n + 3]
            buckets[count] = self._bucket(here + 4 * ORDER_STEP)
            count += 1
        n = 0
        while n < size - 1:
            if c[n] == 32 and c[n + 1] != 32:
                word = 0
                place = 0
                n += 1
                while n < size and c[n] != 32:
                    word += c[n] * POWERS[place]
                    place += 1
                    n += 1
                buckets[count] = self._bucket(word ^ WORD_MASK)
                count += 1
            else:
                n += 1
        self.asked_row, self.asked_count = row, count
        return 0

    cdef inline uint32_t _bucket(self, uint64_t hashed) noexcept:
        cdef uint32_t bucket = <uint32_t>((hashed * MULTIPLIER) >> self.shift)
        PRESSCUT_ASK_FOR(&self.table[bucket, 0])
        return bucket

    cdef void _add_asked(self) noexcept:
        """Add up the weights asked for last."""
        cdef int16_t *out = self.vectors + self.asked_row * (self.dimensions + 1)
        if self.asked_row != NOBODY:
            # At most 257 features, each at most 127: no sum is beyond 16 bits.
            presscut_add_rows(out, &self.table[0, 0], self.asked, self.asked_count, <int>self.dimensions)
            out[self.dimensions] = <int16_t>self.asked_count
            self.asked_row = NOBODY

    cdef Py_ssize_t _tokens(self, text, Py_ssize_t first, int64_t most_letters) except -1:
        """Put the rows of a text's tokens from place `first` on; how many there are.

        The vectors of those that `most_letters` of a piece stand before are not asked for: their rows are complements.
        """
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t n = 0, length = len(text), start, count = 0
        cdef uint64_t hashed
        cdef uint32_t point
        cdef int32_t *grown
        cdef int32_t row
        cdef int64_t letters = 0
        cdef int before = 0
        while True:
            while n < length and Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, n)):
                n += 1
            if n == length:
                return count
            start, hashed = n, self.seed
            while n < length:
                point = PyUnicode_READ(kind, data, n)
                if Py_UNICODE_ISSPACE(point):
                    break
                hashed = (hashed ^ point) * MULTIPLIER
                n += 1
            if first + count == self.token_room:
                grown = <int32_t *>PyMem_Realloc(self.token_rows, 2 * self.token_room * sizeof(int32_t))
                if not grown:
                    raise MemoryError
                self.token_rows, self.token_room = grown, 2 * self.token_room
            row = self._row(text, kind, data, start, n, hashed)
            if count == 0 or self.facts[row].flags & CUT_BEFORE or before & CUT_AFTER:
                letters = 0
            before = self.facts[row].flags
            if letters < most_letters:
                if not self.facts[row].read:
                    self._read_token(row, text, kind, data, start, n)
                self.token_rows[first + count] = row
                PRESSCUT_ASK_FOR(<const int8_t *>(self.vectors + row * (self.dimensions + 1)))
            else:
                self.token_rows[first + count] = ~row
            letters += self.facts[row].letters
            count += 1

    def starts(self, text):
        cdef Py_ssize_t count, n, at = 0
        cdef int flags, before = 0
        cdef int32_t row
        self._forget()
        count = self._tokens(text, 0, 0)
        found = []
        # Offsets are needed of few texts: they are looked for again.
        for n, token in enumerate(str.split(text)):
            at = text.index(token, at)
            row = ~self.token_rows[n]
            flags = self.facts[row].flags
            if n == 0 or flags & CUT_BEFORE or before & CUT_AFTER:
                found.append(at)
            before = flags
            at += len(token)
        return found

    def flags(self, tokens):
        self._forget()
        found = []
        for token in tokens:
            self._tokens(token, 0, 0)
            found.append(self.facts[~self.token_rows[0]].flags)
        return np.array(found, dtype=np.int64)

    # --- texts

    def read(self, texts):
        cdef Py_ssize_t count = len(texts), n, number, used = 0, row, piece = 0, total = 0, first
        cdef Facts *facts
        cdef int flags, before = 0
        tokens_ = np.empty(count, np.int64)
        first_ = np.empty(count, np.int64)
        pieces_ = np.empty(count, np.int64)
        letters_ = np.empty(count, np.int64)
        scripts_ = np.empty(count, np.int64)
        name_like_ = np.empty(count, np.uint8)
        many_names_ = np.empty(count, np.uint8)
        wordless_ = np.empty(count, np.uint8)
        weights_ = np.empty(count, np.int64)
        vectors_ = np.zeros((count, self.dimensions + 1), np.float64)
        cdef int64_t[::1] tokens = tokens_, first_piece = first_, piece_counts = pieces_, letters = letters_
        cdef int64_t[::1] masks = scripts_, weights = weights_
        cdef uint8_t[::1] name_like = name_like_, many_names = many_names_, wordless = wordless_
        cdef double[:, ::1] vectors = vectors_
        self._forget()
        for number in range(count):
            tokens[number] = self._tokens(texts[number], used, PIECE_READ)
            for n in range(used, used + tokens[number]):
                row = self.token_rows[n]
                flags = self.facts[row if row >= 0 else ~row].flags
                if n == used or flags & CUT_BEFORE or before & CUT_AFTER:
                    total += 1
                before = flags
            used += tokens[number]
        self._add_asked()
        piece_vectors_ = np.zeros((total, self.dimensions + 1), np.float64)
        piece_letters_ = np.zeros(total, np.int64)
        cdef double[:, ::1] piece_vectors = piece_vectors_
        cdef int64_t[::1] piece_letters = piece_letters_
        cdef int64_t words, named, weak, digits, real, mask
        cdef Sums sums
        sums.count = 0
        memset(sums.total, 0, sizeof(sums.total))
        piece = -1
        used = 0
        for number in range(count):
            words = named = weak = digits = real = mask = 0
            first_piece[number] = piece + 1
            for n in range(used, used + tokens[number]):
                row = self.token_rows[n]
                facts = &self.facts[row if row >= 0 else ~row]
                flags = facts.flags
                if n == used or flags & CUT_BEFORE or before & CUT_AFTER:
                    if piece >= 0:
                        _flush(&sums, &piece_vectors[piece, 0], self.dimensions + 1)
                    piece += 1
                before = flags
                piece_letters[piece] += facts.letters
                mask |= facts.scripts
                if flags & WORD:
                    words += 1
                    if flags & WEAK:
                        weak += 1
                    else:
                        real += 1
                        if flags & CAPITALISED:
                            named += 1
                if flags & DIGITS:
                    digits += 1
                if row >= 0:
                    _add_token(&sums, self.vectors + row * (self.dimensions + 1), self.dimensions + 1)
                if sums.count == ADDED_AT_ONCE:
                    _flush(&sums, &piece_vectors[piece, 0], self.dimensions + 1)
            if tokens[number]:
                _flush(&sums, &piece_vectors[piece, 0], self.dimensions + 1)
            used += tokens[number]
            first = first_piece[number]
            piece_counts[number] = piece + 1 - first
            letters[number] = 0
            for n in range(first, piece + 1):
                letters[number] += piece_letters[n]
                for row in range(self.dimensions + 1):
                    vectors[number, row] += piece_vectors[n, row]
            masks[number] = mask
            name_like[number] = (words == named and 2 <= words <= 4) or (words == 1 and weak == 1)
            many_names[number] = words <= NAMES_UP_TO and named >= NAMES_FROM * words
            wordless[number] = letters[number] < 2 or (real == 0 and digits > 0)
            weights[number] = 0 if wordless[number] else min(letters[number], MOST_LETTERS) * (
                1 if name_like[number] else TENTHS)
        return PageReading(
            tokens_, first_, pieces_, vectors_, letters_, scripts_, name_like_.view(np.bool_),
            many_names_.view(np.bool_), wordless_.view(np.bool_), weights_, piece_vectors_, piece_letters_,
        )

    # --- the cheap look

    cdef Cheap _cheap(self, model):
        found = self.cheap.get(id(model))
        if found is None:
            # The model is kept with it: its id must not be another's later.
            found = self.cheap[id(model)] = (Cheap(model), model)
        return <Cheap>found[0]

    def look(self, model, rows_, vectors_, letters_, counts_):
        cdef Cheap cheap = self._cheap(model)
        cdef const int64_t[::1] rows = rows_
        cdef double[:, ::1] vectors = vectors_
        cdef const int64_t[::1] letters = letters_, counts = counts_
        cdef Py_ssize_t row, block, c
        logs_ = np.empty((len(rows_), cheap.columns), np.int64)
        shares_ = np.empty((len(rows_), cheap.columns), np.int64)
        mix_ = np.zeros(cheap.columns, np.int64)
        cdef int64_t[:, ::1] logs = logs_, shares = shares_
        cdef int64_t[::1] mix = mix_
        for row in range(rows.shape[0]):
            block = rows[row]
            cheap.logits(&vectors[block, 0], letters[block], &logs[row, 0])
            log_shares(&logs[row, 0], cheap.columns)
            for c in range(cheap.columns):
                shares[row, c] = parts(logs[row, c]) >> SHARE_SHIFT
                mix[c] += shares[row, c] * shares[row, c] * counts[block]
        return Look(logs_, shares_, mix_)

    def shares_of(self, logs_):
        cdef const int64_t[:, ::1] logs = logs_
        cdef Py_ssize_t row, c
        shares_ = np.empty((logs.shape[0], logs.shape[1]), np.int64)
        cdef int64_t[:, ::1] shares = shares_
        for row in range(logs.shape[0]):
            for c in range(logs.shape[1]):
                shares[row, c] = parts(logs[row, c]) >> SHARE_SHIFT
        return shares_

    def settle(self, model, seen, asked):
        cdef Cheap cheap = self._cheap(model)
        cdef const int64_t[::1] blocks = asked.rows
        cdef Py_ssize_t rows = len(seen.logs), columns = cheap.columns, row, block, c, piece, there
        sure_ = np.empty(rows, np.uint8)
        deviates_ = np.zeros(rows, np.uint8)
        cdef Weighing weighing = Weighing(rows)
        cdef uint8_t[::1] sure = sure_, deviates = deviates_
        cdef const int64_t[:, ::1] logs = seen.logs, shares = seen.shares
        cdef const int64_t[::1] weights = asked.weights, total = asked.total
        cdef const int64_t[::1] first_piece = asked.pieces.first, piece_counts = asked.pieces.counts
        cdef const int64_t[::1] piece_letters = asked.pieces.letters
        cdef double[:, ::1] piece_vectors = asked.pieces.vectors
        cdef const double[::1] evidence = asked.evidence
        cdef const uint8_t[::1] known = asked.known.view(np.uint8), clear = asked.clear.view(np.uint8)
        cdef bint hinted = asked.hints is not None, monotonous = asked.monotonous, leaning
        cdef const double[:, ::1] hints = np.ascontiguousarray(asked.hints) if hinted else np.zeros((1, 1))
        cdef int64_t everything = asked.everything, rest, left, favourite, top
        cdef double floor = asked.floor, settle_at = asked.settle_at, confidence
        scratch = np.empty((3, columns), np.int64)
        fractions = np.empty(columns, np.float64)
        cdef int64_t[:, ::1] scratches = scratch
        cdef double[::1] mixes = fractions
        cdef double *mix = &mixes[0]
        cdef int64_t *prior = &scratches[0, 0]
        cdef int64_t *logits = &scratches[2, 0]
        for row in range(rows):
            block = blocks[row]
            rest = 0
            for c in range(columns):
                rest += shares[row, c] * shares[row, c] * weights[block]
            rest = max(everything - rest, 0)
            for c in range(columns):
                left = total[c] - shares[row, c] * shares[row, c] * weights[block]
                mix[c] = <double>max(left, 0) / (<double>rest + DOUBTED)
            weighing.weigh(
                row, columns, &logs[row, 0], evidence[block], mix, &hints[row, 0] if hinted else NULL, floor,
                prior, &scratches[1, 0],
            )
            top = weighing.best[row]
            confidence = weighing.confidence[row]
            favourite = 0
            for c in range(1, columns):
                if logs[row, c] > logs[row, favourite]:
                    favourite = c
            leaning = monotonous and mix[top] >= MONOTONOUS_SHARE
            leaning = leaning and logs[row, favourite] - logs[row, top] < MONOTONOUS_DOUBT
            sure[row] = known[block] and confidence >= (MONOTONOUS_SETTLE_AT if leaning else settle_at)
            sure[row] |= clear[block] and confidence >= CLEAR_AT and cheap.distinct[top]
            if piece_counts[block] > 1:
                for piece in range(first_piece[block], first_piece[block] + piece_counts[block]):
                    if piece_letters[piece] >= PIECE_LETTERS:
                        cheap.logits(&piece_vectors[piece, 0], piece_letters[piece], logits)
                        there = 0
                        rest = logits[0]
                        for c in range(1, columns):
                            if logits[c] + prior[c] > logits[there] + prior[there]:
                                there = c
                            if logits[c] > rest:
                                rest = logits[c]
                        if there != top:
                            sure[row] = False
                        if rest - logits[weighing.own[row]] > PIECE_DOUBT:
                            deviates[row] = True
                if sure[row]:
                    deviates[row] = False
        return Settled(weighing.found(), sure_.view(np.bool_), deviates_.view(np.bool_))

    def mix_of(self, shares_, counts_):
        cdef const int64_t[:, ::1] shares = shares_
        cdef const int64_t[::1] counts = counts_
        cdef Py_ssize_t rows = shares.shape[0], columns = shares.shape[1], row, c
        mix_ = np.zeros(columns, np.int64)
        cdef int64_t[::1] mix = mix_
        for row in range(rows):
            for c in range(columns):
                mix[c] += shares[row, c] * shares[row, c] * counts[row]
        return mix_

    def weigh_again(self, again):
        cdef const int64_t[:, ::1] logs = again.logs, shares = again.shares
        cdef const int64_t[::1] weights = again.weights, total = again.total, places = again.places, order = again.order
        cdef const double[::1] evidence = again.evidence
        cdef bint hinted = again.hints is not None
        cdef const double[:, ::1] hints = np.ascontiguousarray(again.hints) if hinted else np.zeros((1, 1))
        cdef double neighbour_weight = again.neighbour_weight, floor = again.floor, rest, trust
        cdef Py_ssize_t number, row, columns = total.shape[0], c
        cdef int64_t own, everything = 0
        mix_ = np.empty((places.shape[0], columns), np.float64)
        cdef double[:, ::1] mix = mix_
        cdef int64_t[:, ::1] scratch = np.empty((2, columns), np.int64)
        cdef double[:, ::1] means = self._around(again, columns)
        own_shares_ = np.empty(places.shape[0], np.float64)
        cdef double[::1] own_shares = own_shares_
        cdef int64_t *kept = &scratch[1, 0]
        cdef Weighing weighing = Weighing(places.shape[0])
        for c in range(columns):
            everything += total[c]
        for number in range(places.shape[0]):
            row = order[number]
            own = 0
            for c in range(columns):
                own += shares[row, c] * shares[row, c] * weights[row]
            rest = <double>max(everything - own, 0) + DOUBTED
            trust = 0
            for c in range(columns):
                own = total[c] - shares[row, c] * shares[row, c] * weights[row]
                mix[number, c] = <double>max(own, 0) / rest
                trust += mix[number, c]
            trust *= neighbour_weight
            for c in range(columns):
                mix[number, c] += trust * means[number, c]
            weighing.weigh(
                number, columns, &logs[row, 0], evidence[row], &mix[number, 0], &hints[number, 0] if hinted else NULL,
                floor, &scratch[0, 0], kept,
            )
            own = 0
            for c in range(columns):
                own += parts(kept[c] - kept[weighing.own[number]])
            own_shares[number] = <double>ONE / <double>own
        return mix_, weighing.found(), own_shares_

    cdef _around(self, again, Py_ssize_t width):
        """`language_look._around`."""
        cdef const int64_t[::1] page = again.page, places = again.places
        cdef const uint8_t[::1] wordless = again.wordless.view(np.uint8)
        cdef Py_ssize_t count = 0, number, side, low, high, middle, c
        cdef int64_t row, there
        # The blocks with words, in order, two before and two after that are nobody's; where each place is among them.
        cdef int64_t[::1] worded = np.full(page.shape[0] + 4, NOBODY, np.int64), at = np.empty(page.shape[0], np.int64)
        means_ = np.zeros((places.shape[0], width), np.float64)
        cdef double[:, ::1] means = means_
        cdef uint8_t[:, ::1] left = np.ones((places.shape[0], 5), np.uint8)
        cdef const int64_t[::1] rows, columns
        cdef const int64_t[:, ::1] shares
        for number in range(page.shape[0]):
            at[number] = count
            if not wordless[page[number]]:
                worded[count + 2] = page[number]
                count += 1
        for rows, columns, shares in again.known:
            for number in range(places.shape[0]):
                for side in range(5):
                    row = worded[at[places[number]] + side]
                    if side == 2 or row == NOBODY or not left[number, side]:
                        continue
                    low, high = 0, rows.shape[0]
                    while low < high:
                        middle = (low + high) // 2
                        if rows[middle] < row:
                            low = middle + 1
                        else:
                            high = middle
                    if low < rows.shape[0] and rows[low] == row:
                        left[number, side] = False
                        for c in range(columns.shape[0]):
                            means[number, columns[c]] += <double>shares[low, c]
        for number in range(places.shape[0]):
            there = 0
            for side in range(5):
                there += side != 2 and worded[at[places[number]] + side] != NOBODY
            for c in range(width):
                means[number, c] /= <double>(max(there, 1) << SHARE_BITS)
        return means_

    def spans_of(self, weighed, rows_, lengths, languages, script):
        cdef const int64_t[::1] rows = rows_, best = weighed.best, second = weighed.second, own = weighed.own
        cdef const int64_t[::1] why = weighed.why
        cdef const double[::1] confidence = weighed.confidence
        cdef Py_ssize_t n
        cdef int64_t row
        new = tuple.__new__
        found = []
        for n in range(rows.shape[0]):
            row = rows[n]
            found.append(new(Span, (
                0, lengths[n], languages[best[row]], rint(confidence[row] * 10000) / 10000, languages[second[row]], script,
                DECIDED[why[row]], languages[own[row]],
            )))
        return found

    # --- the pool

    def pool(self, texts, asked_scripts):
        cdef Py_ssize_t count = len(texts), number, n, c, tokens, width = self.dimensions + 1
        cdef int64_t script, letters, lower_letters, words, capitals
        cdef int flags
        cdef Facts *facts
        cdef int16_t *vector
        cdef double share
        found_ = np.empty((count, self.languages), np.int64)
        again_ = np.empty(self.languages, np.int64)
        sums_ = np.empty((2, width), np.float64)
        cdef int64_t[:, ::1] found = found_
        cdef int64_t[::1] again = again_
        cdef double[:, ::1] sums = sums_
        self._forget()
        for number in range(count):
            text, script = texts[number], asked_scripts[number]
            known = self.known_texts.get((text, script))
            if known is not None:
                found[number, :] = self.known_answers[<Py_ssize_t>known]
                continue
            tokens = self._tokens(text, 0, len(text))
            self._add_asked()
            letters = lower_letters = words = capitals = 0
            sums_[:] = 0
            for n in range(tokens):
                facts = &self.facts[self.token_rows[n]]
                flags = facts.flags
                vector = self.vectors + self.token_rows[n] * width
                letters += facts.letters
                _add_to(&sums[0, 0], vector, width)
                if flags & CAPITALISED:
                    capitals += 1
                if flags & WORD:
                    words += 1
                    if flags & LOWER_CASE:
                        lower_letters += facts.letters
                        _add_to(&sums[1, 0], vector, width)
            self._read(self._words(text, WORD), &sums[0, 0], letters, script, &found[number, 0])
            if 3 <= words <= NAMES_UP_TO and capitals >= NAMES_FROM * words and lower_letters >= 2:
                share = min(NAMES_AT_MOST, <double>capitals / <double>words)
                self._read(self._words(text, LOWER_CASE), &sums[1, 0], lower_letters, script, &again[0])
                for c in range(self.languages):
                    found[number, c] = <int64_t>(
                        <double>found[number, c] * (1 - share) + <double>again[c] * share
                    )
                log_shares(&found[number, 0], self.languages)
            if len(text) <= KEPT_TEXT_CHARACTERS:
                if len(self.known_texts) == KEPT_TEXTS:
                    self.known_texts.clear()
                n = len(self.known_texts)
                self.known_answers[n, :] = found[number]
                self.known_texts[text, script] = n
        return found_

    cdef str _words(self, text, int flag):
        """The beginning of a text whose tokens were just found, without the tokens that lack a flag."""
        cdef list kept = []
        cdef Py_ssize_t number = 0, length = 0
        for token in str.split(text, None, READ_CHARACTERS):
            if self.facts[self.token_rows[number]].flags & flag:
                kept.append(token)
                length += len(token) + 1
                if length > READ_CHARACTERS:
                    break
            number += 1
        return " ".join(kept)

    cdef int _read(self, str text, double *sums, int64_t letters, int64_t script, int64_t *out) except -1:
        """One text by all members, pooled."""
        cdef Py_ssize_t c, length = min(letters, self.by_letters.shape[0] - 1)
        cdef double weights[4]
        cdef double total
        cdef int64_t *grams = &self.logs[0, 0]
        cdef int64_t *py3langid = &self.logs[1, 0]
        cdef int64_t *pycld2 = &self.logs[2, 0]
        cdef int64_t *words = &self.logs[3, 0]
        if len(text) > READ_CHARACTERS:
            text = text[:READ_CHARACTERS]
        self._read_grams(sums, script, grams)
        self._read_py3langid(text, script, py3langid)
        self._read_pycld2(text, script, pycld2)
        self._read_words(text, script, words)
        for c in range(4):
            weights[c] = self.by_letters[length, c]
        for c in range(self.languages):
            total = self.bias[c]
            total = total + weights[0] * <double>grams[c]
            total = total + weights[1] * <double>py3langid[c]
            total = total + weights[2] * <double>pycld2[c]
            total = total + weights[3] * <double>words[c]
            out[c] = <int64_t>total if self.candidates[script, c] else NEVER
        log_shares(out, self.languages)
        return 0

    cdef int _read_grams(self, double *sums, int64_t script, int64_t *logs) except -1:
        cdef Py_ssize_t c
        cdef int64_t best = NEVER
        cdef double seen = sums[self.dimensions]
        cdef double scale = self.scale / sqrt(seen if seen > 1 else 1.0)
        cdef double *products = &self.products[0]
        presscut_dot(products, sums, &self.layer[0, 0], self.dimensions, self.taught)
        for c in range(self.taught):
            logs[c] = <int64_t>((products[c] * scale + self.layer_bias[c]) * <double>TICKS)
        log_shares(logs, self.taught)
        for c in range(self.languages):
            if c >= self.taught:
                logs[c] = NEVER
            elif logs[c] < GRAMS_FLOOR:
                logs[c] = GRAMS_FLOOR
            if self.grams_know[script, c] and logs[c] > best:
                best = logs[c]
        for c in range(self.languages):
            if not self.grams_know[script, c]:
                logs[c] = best - NEUTRAL
        return 0

    cdef int _read_py3langid(self, str text, int64_t script, int64_t *logs) except -1:
        cdef bytes data = self.encode(text)
        cdef const uint8_t *letters = data
        cdef Py_ssize_t n, c, length = len(data), features = 0, codes = self.codes
        cdef int64_t state = 0, feature, weight, top, total = 0
        cdef int16_t times
        cdef const int16_t *row
        cdef int64_t *languages = &self.of_language[0]
        cdef int64_t *scores = &self.scores[0]
        cdef int32_t *part = &self.partial[0]
        memset(languages, 0, self.languages * sizeof(int64_t))
        memset(scores, 0, codes * sizeof(int64_t))
        memset(part, 0, codes * sizeof(int32_t))
        for n in range(length):
            state = self.next_state[self.states[state, 0] + letters[n]]
            feature = self.states[state, 1]
            if feature >= 0:
                if self.seen[feature] == 0:
                    self.touched[features] = <int32_t>feature
                    features += 1
                self.seen[feature] += 1
        for n in range(features):
            feature = self.touched[n]
            times = <int16_t>self.log_of_count[min(self.seen[feature], MOST_COUNTED)]
            self.seen[feature] = 0
            row = &self.code_weights[feature, 0]
            presscut_count(part, row, times, codes)
            if n % SUMMED_AT_ONCE == SUMMED_AT_ONCE - 1 or n == features - 1:
                for c in range(codes):
                    scores[c] += part[c]
                    part[c] = 0
        if features:
            for c in range(codes):
                scores[c] = <int64_t>(<double>(scores[c] + self.code_prior[c]) / (sqrt(<double>length) * FIXED))
        top = scores[0]
        for c in range(1, codes):
            if scores[c] > top:
                top = scores[c]
        for c in range(codes):
            weight = parts(scores[c] - top)
            total += weight
            if self.code_column[c] >= 0:
                languages[self.code_column[c]] += weight
        for c in range(self.languages):
            logs[c] = max(ticks_of(<double>languages[c] / <double>total), PY3LANGID_FLOOR)
        self._neutral(logs, script, self.py3langid_knows, PY3LANGID_FLOOR)
        return 0

    cdef int _read_pycld2(self, str text, int64_t script, int64_t *logs) except -1:
        cdef Py_ssize_t c
        cdef int64_t nothing = max(ticks_of(0.0), PYCLD2_FLOOR)
        cdef double share
        for c in range(self.languages):
            logs[c] = nothing
        percents = {}
        for column, percent in percents_by_pycld2(text, self.columns_of):
            percents[column] = percents.get(column, 0) + percent
        for column, percent in percents.items():
            share = <double>percent / 100.0
            logs[<Py_ssize_t>column] = max(ticks_of(share), PYCLD2_FLOOR)
        self._neutral(logs, script, self.pycld2_knows, PYCLD2_FLOOR)
        return 0

    cdef void _read_words(self, str text, int64_t script, int64_t *logs) noexcept:
        """`language_engines._words_with_neutral` of one text."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t n, c, length = len(text)
        cdef uint64_t key = 0
        cdef uint32_t letter
        cdef bint inside = False, heard = False
        cdef int64_t top = 0, best = NEVER
        for c in range(self.languages):
            logs[c] = 0
        for n in range(length + 1):
            letter = self.lower[PyUnicode_READ(kind, data, n)] if n < length else 32
            if letter != 32:
                key = key * ROLL + letter
                inside = True
            elif inside:
                heard |= self._add_gains(<uint32_t>((key * MULTIPLIER) >> 32), logs)
                key = 0
                inside = False
        if not heard:
            return
        for c in range(self.languages):
            top = max(top, logs[c])
        for c in range(self.languages):
            logs[c] = max(logs[c] - top, WORDS_FLOOR) if self.words_know[c] else NEVER
        log_shares(logs, self.languages)
        for c in range(self.languages):
            if self.words_know[c] and self.candidates[script, c] and logs[c] > best:
                best = logs[c]
        for c in range(self.languages):
            if best == NEVER:
                logs[c] = 0
            elif not self.words_know[c]:
                logs[c] = best - NEUTRAL

    cdef bint _add_gains(self, uint32_t key, int64_t *logs) noexcept:
        """Add what the word of this hash says; is it known?"""
        cdef Py_ssize_t n
        cdef bint known = False
        for n in range(self.word_starts[key >> 16], self.word_starts[(key >> 16) + 1]):
            if self.word_hashes[n] == key:
                logs[self.word_columns[n]] += self.word_gains[n]
                known = True
        return known

    cdef void _neutral(self, int64_t *logs, int64_t script, const uint8_t[::1] knows, int64_t floor) noexcept:
        cdef Py_ssize_t c
        cdef int64_t best = floor
        for c in range(self.languages):
            if knows[c] and self.candidates[script, c] and logs[c] > best:
                best = logs[c]
        best = max(best - NEUTRAL, floor)
        for c in range(self.languages):
            if not knows[c]:
                logs[c] = best


cdef inline void _add_to(double *total, const int16_t *vector, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t n
    for n in range(count):
        total[n] += vector[n]
