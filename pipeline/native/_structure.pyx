# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""What `pipeline.structure` knows of each block, compiled: raw values, of which `pipeline.structure` makes facts.

Fractions are divided and added in the order of the Python functions, so they are equal to the last bit. Nothing here is
recursive, and every loop is over elements, blocks or characters.
"""

from cpython.array cimport array, clone
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t, uint8_t

from pipeline.native._checked cimport check
from pipeline.native._named cimport row_of

# As in `pipeline.structure`.
cdef int ANCESTORS = 6, LONG_TEXT_CHARS = 80, CORE_LEVELS = 8
cdef double LOOSE_LINK_SHARE = 0.3
cdef double[2] CORE_SHARES
CORE_SHARES[0], CORE_SHARES[1] = 0.5, 0.8
cdef array INTEGERS = array("q"), FRACTIONS = array("d"), BYTES = array("B")
cdef Py_ssize_t PAIRS = 0x80 * 0x80 + 1


cdef int64_t[::1] integers(Py_ssize_t count):
    return clone(INTEGERS, count, zero=True)


cdef double[::1] fractions(Py_ssize_t count):
    return clone(FRACTIONS, count, zero=True)


cdef class Page:
    """Columns over kinds of elements, over elements with the document itself in front, and over blocks."""

    # Over kinds.
    cdef int64_t[::1] depth, around, tag
    cdef int tags, surroundings
    cdef int64_t bold, h1, h2
    # Over elements: pictures and articles are counted up to and with each.
    cdef Py_ssize_t elements
    cdef int64_t[::1] parent, last, kind, images, articles, rank, siblings
    # Over blocks.
    cdef Py_ssize_t blocks
    cdef int64_t[::1] element, owner, opened, links, chars
    cdef double[::1] link_share, bold_share

    def __cinit__(self, tree, list texts not None, dict tags not None, dict around not None):
        self.elements, self.blocks = len(tree.parents) + 1, len(texts)
        self.tags, self.surroundings = len(tags), len(around) + 1
        self.bold, self.h1, self.h2 = around["b"] | around["strong"], around["h1"], around["h2"]

    cdef int64_t around_element(self, Py_ssize_t element) except -1:
        return self.around[self.kind[element]]

    cdef int read_elements(self, tree, dict tags, dict around, frozenset pictures, str hidden_mark) except -1:
        cdef list kinds = tree.kinds
        cdef const int64_t[::1] kind_of = tree.kind, parents = tree.parents, lasts = tree.last
        cdef Py_ssize_t number, count = len(kinds), parent
        cdef dict known = {}
        cdef tuple kind, about
        cdef int64_t hidden_bit = 1 << len(around), images = 0, articles = 0
        cdef int64_t[::1] is_picture = integers(count), is_article = integers(count)
        cdef str tag, name
        self.depth, self.around, self.tag = integers(count), integers(count), integers(count)
        for number in range(count):
            kind = row_of(kinds[number])
            parent, tag, name = kind[0], kind[1], kind[2]
            about = known.get(tag)
            if about is None:
                about = known[tag] = (tags.get(tag, 0), around.get(tag, 0), tag in pictures, tag == "article")
            self.tag[number], is_picture[number], is_article[number] = about[0], about[2], about[3]
            if number:
                self.depth[number] = self.depth[parent] + 1
                self.around[number] = self.around[parent] | <int64_t>about[1]
                if name.endswith(hidden_mark):
                    self.around[number] |= hidden_bit
        self.parent, self.last, self.kind = integers(self.elements), integers(self.elements), integers(self.elements)
        self.images, self.articles = integers(self.elements), integers(self.elements)
        self.last[0] = self.elements - 1
        for number in range(self.elements):
            if number:
                self.parent[number], self.last[number] = parents[number - 1] + 1, lasts[number - 1] + 1
                self.kind[number] = kind_of[number - 1]
                check(0 <= self.parent[number] < number <= self.last[number] < self.elements)
            images += is_picture[self.kind[number]]
            articles += is_article[self.kind[number]]
            self.images[number], self.articles[number] = images, articles
        return 0

    cdef int read_blocks(self, tree, list texts) except -1:
        cdef list data = tree.data
        cdef const int64_t[::1] owners = tree.owners, links = tree.links, firsts = tree.first
        cdef const int64_t[::1] boxes = tree.boxes, opened = tree.opened
        cdef Py_ssize_t row, at, last, length, chars, linked, bold
        cdef int64_t link, before = -1
        self.element, self.owner, self.opened = integers(self.blocks), integers(self.blocks), integers(self.blocks)
        self.links, self.chars = integers(self.blocks), integers(self.blocks)
        self.link_share, self.bold_share = fractions(self.blocks), fractions(self.blocks)
        for row in range(self.blocks):
            last = firsts[row + 1] if row + 1 < self.blocks else len(data)
            self.element[row], self.owner[row] = boxes[row] + 1, owners[firsts[row]] + 1
            self.opened[row], self.chars[row] = opened[row], len(<str>texts[row])
            chars = linked = bold = 0
            for at in range(firsts[row], last):
                length, link = len(<str>data[at]), links[at]
                chars += length
                if link >= 0:
                    linked += length
                    self.links[row] += link != before
                if self.around_element(owners[at] + 1) & self.bold:
                    bold += length
                before = link
            chars = max(chars, 1)
            self.link_share[row], self.bold_share[row] = <double>linked / chars, <double>bold / chars
        return 0

    cdef int rank_siblings(self) except -1:
        """Number each block's element among its siblings of one tag; the document counts among what stands at the top."""
        cdef int64_t[::1] found = integers(self.tags + 1)
        cdef Py_ssize_t row, parent, child
        self.rank, self.siblings = integers(self.elements), integers(self.elements)
        for row in range(self.blocks):
            if self.siblings[self.element[row]]:
                continue
            parent = self.parent[self.element[row]]
            child = parent + 1 if parent else 0
            while child <= self.last[parent]:
                self.rank[child] = found[self.tag[self.kind[child]]]
                found[self.tag[self.kind[child]]] += 1
                child = self.last[child] + 1 if child else 1
            child = parent + 1 if parent else 0
            while child <= self.last[parent]:
                self.siblings[child] = found[self.tag[self.kind[child]]]
                child = self.last[child] + 1 if child else 1
            found[:] = 0
        return 0

    cdef double[::1] up_to(self, double[::1] values):
        """Sums over all elements before each, of a value of blocks."""
        cdef double[::1] own = fractions(self.elements), sums = fractions(self.elements + 1)
        cdef Py_ssize_t number
        for number in range(self.blocks):
            own[self.element[number]] += values[number]
        for number in range(self.elements):
            sums[number + 1] = sums[number] + own[number]
        return sums

    cdef double inside(self, double[::1] sums, Py_ssize_t element) except? -1:
        return sums[self.last[element] + 1] - sums[element]


def describe(
    tree, list texts not None, list hrefs not None, list names not None, dict tags not None, dict around not None,
    frozenset pictures not None, str hidden_mark not None, str local_initials not None, double[:, ::1] raw,
):
    """Fill in the columns of `pipeline.structure.STRUCTURE`, before any logarithm."""
    cdef Page page = Page(tree, texts, tags, around)
    cdef Py_ssize_t at = 0
    check(raw.shape[0] == len(texts) == len(hrefs) == len(tree.first) and page.surroundings < 63)
    page.read_elements(tree, tags, around, pictures, hidden_mark)
    page.read_blocks(tree, texts)
    page.rank_siblings()
    at = _kinds(page, raw, at)
    at = _places(page, raw, at)
    at = _groups(page, raw, at)
    at = _ancestors(page, raw, at)
    at = _core(page, raw, at)
    at = _headings(page, raw, at)
    at = _titles(page, texts, names, raw, at)
    at = _hrefs(hrefs, local_initials, raw, at)
    check(at == raw.shape[1])


cdef Py_ssize_t _kinds(Page page, double[:, ::1] raw, Py_ssize_t at) except -1:
    """The tag of each block's element, and what is around its text."""
    cdef Py_ssize_t row, bit
    cdef int64_t tag, around
    cdef double* told
    check(at + page.tags + page.surroundings <= raw.shape[1])
    for row in range(page.blocks):
        tag, around = page.tag[page.kind[page.element[row]]], page.around_element(page.owner[row])
        told = &raw[row, at]
        for bit in range(page.tags):
            told[bit] = tag == bit + 1
        for bit in range(page.surroundings):
            told[page.tags + bit] = around >> bit & 1
    return at + page.tags + page.surroundings


cdef Py_ssize_t _places(Page page, double[:, ::1] raw, Py_ssize_t at) except -1:
    """Depth, links, bold, pictures since the last text, place among siblings."""
    cdef Py_ssize_t row, element
    cdef int64_t images, passed = 0
    for row in range(page.blocks):
        element, images = page.element[row], page.images[page.opened[row]]
        raw[row, at] = <double>page.depth[page.kind[element]] / 20
        raw[row, at + 1], raw[row, at + 2], raw[row, at + 3] = page.link_share[row], page.links[row], page.bold_share[row]
        raw[row, at + 4], raw[row, at + 5] = images - passed, page.siblings[element]
        raw[row, at + 6] = <double>page.rank[element] / page.siblings[element]
        passed = images
    return at + 7


cdef Py_ssize_t _groups(Page page, double[:, ::1] raw, Py_ssize_t at) except -1:
    """Blocks of one kind: how many, how long, how linked."""
    cdef Py_ssize_t row, kind, kinds = len(page.tag)
    cdef double[::1] size = fractions(kinds), chars = fractions(kinds), linked = fractions(kinds)
    for row in range(page.blocks):
        kind = page.kind[page.element[row]]
        size[kind] += 1
        chars[kind] += page.chars[row]
        linked[kind] += page.link_share[row]
    for row in range(page.blocks):
        kind = page.kind[page.element[row]]
        raw[row, at], raw[row, at + 1], raw[row, at + 2] = size[kind], chars[kind] / size[kind], linked[kind] / size[kind]
    return at + 3


cdef Py_ssize_t _ancestors(Page page, double[:, ::1] raw, Py_ssize_t at) except -1:
    """Length, link share, blocks, this block's share and pictures of the elements above."""
    cdef double[::1] values = fractions(page.blocks), chars, linked, blocks
    cdef Py_ssize_t row, element, up, column
    cdef double total
    for row in range(page.blocks):
        values[row] = page.chars[row]
    chars = page.up_to(values)
    for row in range(page.blocks):
        values[row] = page.chars[row] * page.link_share[row]
    linked = page.up_to(values)
    values[:] = 1
    blocks = page.up_to(values)
    for row in range(page.blocks):
        element = page.element[row]
        for up in range(ANCESTORS):
            element, column = page.parent[element], at + 5 * up
            raw[row, column] = page.inside(chars, element)
            total = max(raw[row, column], 1)
            raw[row, column + 1] = page.inside(linked, element) / total
            raw[row, column + 2] = page.inside(blocks, element)
            raw[row, column + 3] = page.chars[row] / total
            raw[row, column + 4] = page.images[page.last[element]] - page.images[element]
    return at + 5 * ANCESTORS


cdef Py_ssize_t _core(Page page, double[:, ::1] raw, Py_ssize_t at) except -1:
    """Where each block stands to the deepest element that holds most of the long unlinked text."""
    cdef double[::1] values = fractions(page.blocks), sums
    cdef Py_ssize_t row, element, core, stop
    cdef int64_t depth, deepest
    cdef int share, levels
    cdef double least
    for row in range(page.blocks):
        if page.chars[row] >= LONG_TEXT_CHARS and page.link_share[row] < LOOSE_LINK_SHARE:
            values[row] = page.chars[row]
    sums = page.up_to(values)
    for share in range(2):
        least, core, deepest = CORE_SHARES[share] * max(page.inside(sums, 0), 1), 0, -1
        for element in range(page.elements):
            depth = page.depth[page.kind[element]]
            if depth > deepest and page.inside(sums, element) >= least:
                core, deepest = element, depth
        stop = page.last[core]
        for row in range(page.blocks):
            element, levels = page.element[row], 0
            raw[row, at] = core <= element <= stop
            raw[row, at + 2] = min(max(<double>(element - core) / max(stop - core, 1), -1), 2)
            while levels < CORE_LEVELS and (element > stop or page.last[element] < core):
                element = page.parent[element]
                levels += 1
            raw[row, at + 1] = <double>levels / CORE_LEVELS
        at += 3
    return at


cdef Py_ssize_t _headings(Page page, double[:, ::1] raw, Py_ssize_t at) except -1:
    """Standing to the first ``h1``; headings and articles passed, and articles of the page."""
    cdef Py_ssize_t row, first = -1
    cdef int64_t around, h1 = 0, h2 = 0
    for row in range(page.blocks):
        around = page.around_element(page.element[row])
        if around & page.h1:
            if first < 0:
                first = row
            h1 += 1
        h2 += (around & page.h2) > 0
        raw[row, at + 3], raw[row, at + 4] = h1, h2
        raw[row, at + 5], raw[row, at + 6] = page.articles[page.element[row]], page.articles[page.elements - 1]
    for row in range(page.blocks):
        raw[row, at], raw[row, at + 1] = 0 <= first < row, abs(row - first) if first >= 0 else 0
        raw[row, at + 2] = row == first
    return at + 7


cdef Py_ssize_t _titles(Page page, list texts, list names, double[:, ::1] raw, Py_ssize_t at) except -1:
    """How far each text is one of the page's names for its story."""
    cdef Py_ssize_t row, longest = 0
    cdef str text, name
    cdef uint8_t[::1] pairs = clone(BYTES, PAIRS, zero=True)
    pairs[PAIRS - 1] = 1
    for name in names:
        longest = max(longest, len(name))
        for row in range(len(name) - 1):
            pairs[_pair(<Py_UCS4>name[row], <Py_UCS4>name[row + 1])] = 1
    for row in range(page.blocks):
        text = texts[row]
        raw[row, at], raw[row, at + 1] = 0, 0
        # Most texts begin like nothing in a name, and need not be folded.
        if not (names and 3 <= len(text) <= longest + 5) or not (text[0].isspace() or pairs[_pair(<Py_UCS4>text[0], <Py_UCS4>text[1])]):
            continue
        text = " ".join(text.lower().split())
        for name in names:
            if text and text in name:
                raw[row, at] = max(raw[row, at], text == name)
                raw[row, at + 1] = max(raw[row, at + 1], <double>len(text) / len(name))
    return at + 2


cdef Py_ssize_t _pair(unsigned int first, unsigned int second) noexcept nogil:
    """A number for two characters as folded text has them; one number for all others than ASCII's, which may fold to any."""
    if first >= 0x80 or second >= 0x80:
        return PAIRS - 1
    if 65 <= first <= 90:
        first += 32
    if 65 <= second <= 90:
        second += 32
    # Any blank is one to folding.
    return first * 0x80 + max(second, 32u)


cdef Py_ssize_t _hrefs(list hrefs, str local_initials, double[:, ::1] raw, Py_ssize_t at) except -1:
    """The shape of each block's first link."""
    cdef Py_ssize_t row, place, column, size, digits, hyphens, slashes
    cdef str href
    cdef int kind
    cdef const void* data
    cdef Py_UCS4 char
    for row in range(len(hrefs)):
        href = hrefs[row]
        size, kind, data = len(href), PyUnicode_KIND(href), PyUnicode_DATA(href)
        if not size:
            for column in range(6):
                raw[row, at + column] = 0
            continue
        digits = hyphens = slashes = 0
        for place in range(size):
            char = PyUnicode_READ(kind, data, place)
            digits += u"0" <= char <= u"9"
            hyphens += char == u"-"
            slashes += char == u"/"
        raw[row, at], raw[row, at + 1] = 1, <double>min(size, 200) / 100
        raw[row, at + 2], raw[row, at + 3] = <double>min(hyphens, 12) / 6, <double>min(digits, 12) / 6
        raw[row, at + 4], raw[row, at + 5] = href[0] in local_initials, <double>min(slashes, 10) / 5
    return at + 6


def finish(
    const double[:, ::1] raw, const double[::1] scales, const double[::1] logarithms, log1p, double[::1] others,
    float[:, ::1] facts, Py_ssize_t at,
):
    """As `pipeline.structure.finish`; `log1p` is asked, all at once, for what is not among the listed logarithms: the `others`."""
    cdef Py_ssize_t row, column, columns = len(scales), count = 0, at_scale, scaled = 0
    cdef Py_ssize_t[::1] places = clone(INTEGERS, columns, zero=True)
    cdef const double* given
    cdef float* told
    cdef double value
    cdef const double[::1] answers = others
    check(raw.shape[1] == columns and len(others) == raw.shape[0] * columns and raw.shape[0] == facts.shape[0] and 0 <= at and at + columns <= facts.shape[1])
    check(0 < len(logarithms) < 1 << 31)
    if not raw.shape[0]:
        return
    for column in range(columns):
        if scales[column] > 0:
            places[scaled] = column
            scaled += 1
    for row in range(raw.shape[0]):
        given, told = &raw[row, 0], &facts[row, at]
        for column in range(columns):
            told[column] = <float>given[column]
        for at_scale in range(scaled):
            value = given[(&places[0])[at_scale]]
            if not _is_listed(value, len(logarithms)):
                others[count] = value
                count += 1
    if count:
        answers = log1p(others[:count])
    count = 0
    for row in range(raw.shape[0]):
        given, told = &raw[row, 0], &facts[row, at]
        for at_scale in range(scaled):
            column = (&places[0])[at_scale]
            value = given[column]
            if _is_listed(value, len(logarithms)):
                value = (&logarithms[0])[<int>value]
            else:
                value = answers[count]
                count += 1
            told[column] = <float>(value / (&scales[0])[column])


cdef inline bint _is_listed(double value, double listed) noexcept:
    return 0 <= value < listed and value == <int>value
