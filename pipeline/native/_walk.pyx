# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""`pipeline.dom.walk` and the blocks of `pipeline.segment_html`, compiled: the same values, to the last one.

Strings are read in place; every read stands behind a test against the string's length. What is rare (a text spelled with
references, a text that the parser moved) is asked of the Python functions that are handed in.
"""

cimport cython
from cpython.array cimport array, resize_smart
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_FindChar, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Tailmatch
from libc.stdint cimport int64_t

from pipeline.native._named cimport named, row_of

from types import GetSetDescriptorType
from unicodedata import category

cdef extern from "Python.h":
    bint Py_UNICODE_ISSPACE(Py_UCS4 char) noexcept nogil
    Py_UCS4 PyUnicode_MAX_CHAR_VALUE(str text) noexcept
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)
    Py_ssize_t PyUnicode_CopyCharacters(str to, Py_ssize_t to_start, str text, Py_ssize_t start, Py_ssize_t size) except -1
    int PyUnicode_WriteChar(str to, Py_ssize_t at, Py_UCS4 char) except -1

    ctypedef object (*getter)(object, void*)
    ctypedef struct PyGetSetDef:
        getter get
        void* closure
    ctypedef struct PyGetSetDescrObject:
        PyGetSetDef* d_getset

# What a tag is to the walk.
cdef int INLINE = 1, UNSEEN = 2, LINK = 4, HEAD = 8, WHOLE_PAGE = 16, VOID = 32, RAW = 64, NESTED = 128, JOINED = 256
# Deeper than any element stands.
cdef Py_ssize_t NOWHERE = 1 << 60
# As in `pipeline.places`: how far ahead, and at how many places, a moved text is looked for.
cdef int MOVED_CHARS = 50_000, MOVED_TRIES = 500, MAX_NESTED = 100
# How much running text a hidden element needs to be read, and how far up two texts are asked whether they stand side by side.
cdef Py_ssize_t RUNNING_TEXT_CHARS = 80, SHOWN_CHARS = 200
cdef enum:
    SEAM_REACH = 24


@cython.final
cdef class Field:
    """An attribute of the parser's nodes; where its type answers in C, it is found once and not for every node."""

    cdef str name
    cdef object found
    cdef PyGetSetDef* answer

    def __cinit__(self, type of_type not None, str name not None):
        self.name, self.answer = name, NULL
        self.found = next((vars(base)[name] for base in of_type.__mro__ if name in vars(base)), None)
        if type(self.found) is GetSetDescriptorType:
            self.answer = (<PyGetSetDescrObject*>self.found).d_getset

    cdef inline object of(self, node):
        """Its value, for a node of exactly that type."""
        return self.answer.get(node, self.answer.closure) if self.answer != NULL else getattr(node, self.name)


# Fields, and what tags are to the walk, once a process.
cdef dict FIELDS = {}, MARKS = {}


cdef Field _field(type of_type, str name):
    found = FIELDS.get((of_type, name))
    if found is None:
        found = FIELDS[of_type, name] = Field(of_type, name)
    return found


@cython.final
cdef class Place:
    """A source, read in place: where tags end, and where texts stand."""

    cdef str source
    cdef int kind
    cdef const void* data
    cdef Py_ssize_t size, count, room
    cdef Py_ssize_t* lines
    cdef dict resolved, marks
    cdef object unescape
    cdef frozenset literal
    cdef type element_type, text_type
    cdef Field tag, children, line, column, content

    def __cinit__(self, str source not None, unescape, frozenset literal not None, dict marks, type element_type, type text_type):
        self.literal = literal
        self.tag, self.children = _field(element_type, "tag"), _field(element_type, "children")
        self.line, self.column = _field(element_type, "source_line"), _field(element_type, "source_col")
        self.content = _field(text_type, "data")
        self.source, self.unescape, self.resolved, self.marks = source, unescape, {}, marks
        self.element_type, self.text_type = element_type, text_type
        self.kind, self.data, self.size = PyUnicode_KIND(source), PyUnicode_DATA(source), len(source)
        self.lines, self.count, self.room = NULL, 0, 0
        self._find_lines()

    def __dealloc__(self):
        PyMem_Free(self.lines)

    cdef int _find_lines(self) except -1:
        """The offset where each line begins."""
        cdef Py_ssize_t at = 0
        cdef void* larger
        while at >= 0:
            if self.count == self.room:
                larger = PyMem_Realloc(self.lines, (2 * self.room + 1024) * sizeof(Py_ssize_t))
                if larger == NULL:
                    raise MemoryError
                self.lines, self.room = <Py_ssize_t*>larger, 2 * self.room + 1024
            self.lines[self.count] = at
            self.count += 1
            at = self.find(u"\n", at) + 1 or -1
        return 0

    cdef Py_UCS4 char(self, Py_ssize_t at) noexcept:
        """The character there; NUL beyond the end, which is none of those asked for."""
        return PyUnicode_READ(self.kind, self.data, at) if 0 <= at < self.size else 0

    cdef Py_ssize_t find(self, Py_UCS4 char, Py_ssize_t at) except -2:
        """Where a character stands next; -1 for nowhere."""
        return PyUnicode_FindChar(self.source, char, at, self.size, 1) if at < self.size else -1

    cdef Py_ssize_t start(self, node) except -2:
        """Where an element's start tag stands; -1 when it is implied and stands nowhere."""
        cdef object line = self.line.of(node)
        cdef Py_ssize_t number
        if line is None:
            return -1
        number = <Py_ssize_t>line - 1
        if not 0 <= number < self.count:
            raise IndexError(number)
        return self.lines[number] + <Py_ssize_t>self.column.of(node)

    cdef Py_ssize_t after(self, node, bint whole) except -2:
        """As `pipeline.places.TagEnds.after`."""
        cdef Py_ssize_t start = self.start(node), end
        cdef int mark = <int>self.marks.get(self.tag.of(node), 0) if whole else 0
        if start < 0:
            return self.head_end(node, 0) if mark & HEAD else 0
        end = self.attributes_end(start + 1) if self.char(start) == u"<" else -1
        if end < 0:
            end = start
        if mark & HEAD:
            return self.head_end(node, end)
        if not whole or mark & VOID:
            return end
        if mark & (RAW | NESTED):
            return self.closed(self.tag.of(node), end, mark & NESTED)
        return self.passed(node, end)

    cdef Py_ssize_t head_end(self, node, Py_ssize_t content) except -2:
        """As `pipeline.places.TagEnds.head_end`."""
        for child in <tuple>self.children.of(node):
            if type(child) is self.element_type:
                if content and self.start(child) != self.gap_end(content):
                    break
                content = self.after(child, True)
        return content

    cdef Py_ssize_t closed(self, str tag, Py_ssize_t content, bint nested) except -2:
        """As `pipeline.places.TagEnds.closed`."""
        cdef Py_ssize_t at = content, name, end, depth = 1
        while True:
            at = self.find(u"<", at)
            if at < 0:
                return content
            at += 1
            name = at + 1 if self.char(at) == u"/" else at
            end = self.name_end(tag, name)
            if end < 0:
                continue
            if name > at:
                depth -= 1
                if not depth:
                    end = self.attributes_end(end)
                    return end if end >= 0 else content
            elif nested:
                depth += 1
                if depth > MAX_NESTED:
                    return content

    cdef Py_ssize_t name_end(self, str tag, Py_ssize_t at) except -2:
        """Past a tag's name as the source has it; -1 if another stands there."""
        cdef Py_ssize_t size = len(tag), letter
        cdef Py_UCS4 char
        for letter in range(size):
            char = self.char(at + letter)
            if _lower(char) != tag[letter]:
                return -1
        char = self.char(at + size)
        return at + size if char == u">" or char == u"/" or _is_blank(char) else -1

    cdef Py_ssize_t passed(self, node, Py_ssize_t content) except -2:
        """As `pipeline.places.TagEnds.passed`."""
        cdef list nodes = [self.children.of(node)]
        cdef list places = [0]
        cdef tuple children
        cdef Py_ssize_t cursor = content, place
        cdef str core
        cdef int mark
        cdef bint literal = self.tag.of(node) in self.literal
        while nodes:
            children, place = nodes[len(nodes) - 1], places[len(places) - 1]
            if place == len(children):
                nodes.pop()
                places.pop()
                literal = False
                continue
            places[len(places) - 1] = place + 1
            inner = children[place]
            if type(inner) is self.text_type:
                core = (<str>self.content.of(inner)).strip()
                if core:
                    _, _, cursor = self.located(core, cursor, literal)
            elif type(inner) is self.element_type:
                mark = <int>self.marks.get(self.tag.of(inner), 0)
                cursor = max(cursor, self.after(inner, mark & (VOID | RAW | NESTED)))
                if not mark & (VOID | RAW | NESTED):
                    nodes.append(self.children.of(inner))
                    places.append(0)
                    literal = self.tag.of(inner) in self.literal
        return cursor

    cdef bint has_running_text(self, node) except -1:
        """As `pipeline.dom._has_running_text`."""
        cdef list nodes = [node]
        cdef Py_ssize_t found = 0, length
        cdef str tag
        while nodes:
            inner = nodes.pop()
            if type(inner) is self.text_type:
                length = len((<str>self.content.of(inner)).strip())
                found += length if length >= RUNNING_TEXT_CHARS else 0
                if found >= SHOWN_CHARS:
                    return True
            elif type(inner) is self.element_type:
                tag = self.tag.of(inner)
                if not <int>self.marks.get(tag, 0) & (UNSEEN | LINK) and tag != "noscript":
                    nodes.extend(self.children.of(inner))
        return False

    cdef (Py_ssize_t, Py_ssize_t, Py_ssize_t) located(self, str core, Py_ssize_t low, bint literal):
        """As `pipeline.places.locate`, for a text without outer blanks."""
        cdef Py_ssize_t start = self.gap_end(low), end
        cdef Py_UCS4 char = core[0]
        if char != u"<" and char != u"&" and PyUnicode_Tailmatch(self.source, core, start, self.size, -1):
            end = start + len(core)
            return start, end, end
        return self.sought(core, start, low, literal)

    cdef Py_ssize_t attributes_end(self, Py_ssize_t at) except -2:
        """Past the rest of a tag, as `pipeline.places.ATTRIBUTES` reads it; -1 if it never ends."""
        cdef Py_ssize_t closing
        cdef Py_UCS4 char
        while 0 <= at < self.size:
            char = PyUnicode_READ(self.kind, self.data, at)
            at += 1
            if char == u">":
                return at
            if char != u"=":
                continue
            while at < self.size and Py_UNICODE_ISSPACE(PyUnicode_READ(self.kind, self.data, at)):
                at += 1
            if at >= self.size:
                return -1
            char = PyUnicode_READ(self.kind, self.data, at)
            if char == u'"' or char == u"'":
                closing = self.find(char, at + 1)
                if closing < 0:
                    return -1
                at = closing + 1
            else:
                while at < self.size and char != u">" and not Py_UNICODE_ISSPACE(char):
                    at += 1
                    char = self.char(at)
        return -1

    cdef Py_ssize_t gap_end(self, Py_ssize_t at) except -2:
        """Past what may stand between a tag and a text, as `pipeline.places.GAP` reads it."""
        cdef Py_ssize_t end
        cdef Py_UCS4 char
        while 0 <= at < self.size:
            char = PyUnicode_READ(self.kind, self.data, at)
            if Py_UNICODE_ISSPACE(char):
                at += 1
                continue
            if char == u"<":
                end = self._declaration_end(at)
            elif char == u"&":
                end = self._blank_end(at)
            else:
                break
            if end < 0:
                break
            at = end
        return at

    cdef Py_ssize_t _comment_end(self, Py_ssize_t at) except -2:
        """Past a comment; -1 if none begins here, or it never ends."""
        cdef Py_ssize_t end = at + 4
        if not (self.char(at + 1) == u"!" and self.char(at + 2) == u"-" and self.char(at + 3) == u"-"):
            return -1
        while True:
            end = self.find(u">", end) + 1
            if not end:
                return -1
            if end >= at + 7 and self.char(end - 2) == u"-" and self.char(end - 3) == u"-":
                return end

    cdef Py_ssize_t _declaration_end(self, Py_ssize_t at) except -2:
        """Past an end tag, a comment or a declaration; -1 if none begins here."""
        cdef Py_UCS4 char = self.char(at + 1)
        cdef Py_ssize_t end = self._comment_end(at)
        if end < 0 and (char == u"/" or char == u"!" or char == u"?"):
            end = self.find(u">", at + 2) + 1 or -1
        return end

    cdef Py_ssize_t _blank_end(self, Py_ssize_t at) except -2:
        """Past a no-break space written as a reference; -1 if none stands here."""
        if PyUnicode_Tailmatch(self.source, "&nbsp;", at, self.size, -1):
            return at + 6
        if PyUnicode_Tailmatch(self.source, "&#160;", at, self.size, -1):
            return at + 6
        if (
            self.char(at + 1) == u"#"
            and self.char(at + 2) in u"xX"
            and self.char(at + 3) in u"aA"
            and self.char(at + 4) == u"0"
            and self.char(at + 5) == u";"
        ):
            return at + 6
        return -1

    cdef Py_ssize_t _markup_end(self, Py_ssize_t at) except -2:
        """Past a comment or a tag, as `pipeline.places.MARKUP` reads it; -1 if none stands here."""
        cdef Py_ssize_t end = self._comment_end(at), name
        if end >= 0:
            return end
        name = at + 2 if self.char(at + 1) == u"/" else at + 1
        return self.attributes_end(name + 1) if _is_ascii_letter(self.char(name)) or self.char(name) in u"!?" else -1

    cdef Py_ssize_t _reference_end(self, Py_ssize_t at) noexcept:
        """Past a character reference, as `pipeline.places.REFERENCE` reads it; -1 if none stands here."""
        cdef Py_ssize_t digits
        at += 1
        if self.char(at) == u"#":
            at += 1
            if self.char(at) in u"xX" and _is_hex(self.char(at + 1)):
                at += 1
                while _is_hex(self.char(at)):
                    at += 1
            else:
                digits = at
                while u"0" <= self.char(at) <= u"9":
                    at += 1
                if at == digits:
                    return -1
        elif _is_ascii_letter(self.char(at)):
            while _is_ascii_letter(self.char(at)) or u"0" <= self.char(at) <= u"9":
                at += 1
        else:
            return -1
        return at + 1 if self.char(at) == u";" else at

    cdef str resolve(self, Py_ssize_t at, Py_ssize_t end):
        """What a reference stands for."""
        cdef str reference = self.source[at:end]
        cdef object found = self.resolved.get(reference)
        if found is None:
            found = self.resolved[reference] = self.unescape(reference)
        return found

    cdef Py_ssize_t spelled(self, str text, Py_ssize_t start, bint literal) except -2:
        """As `pipeline.places._spelled`."""
        cdef Py_ssize_t at = start, done = 0, length = len(text), end
        cdef int kind = PyUnicode_KIND(text)
        cdef const void* data = PyUnicode_DATA(text)
        cdef Py_UCS4 char
        cdef str resolved
        while done < length:
            if not 0 <= at < self.size:
                return -1
            char = PyUnicode_READ(self.kind, self.data, at)
            if char == u"&":
                end = self._reference_end(at)
                if end >= 0:
                    resolved = self.resolve(at, end)
                    if not PyUnicode_Tailmatch(text, resolved, done, length, -1):
                        return -1
                    at, done = end, done + len(resolved)
                    continue
            elif char == u"<" and not literal:
                end = self._markup_end(at)
                if end >= 0:
                    at = end
                    continue
            if char != PyUnicode_READ(kind, data, done):
                return -1
            at += 1
            done += 1
        return at

    cdef (Py_ssize_t, Py_ssize_t, Py_ssize_t) sought(self, str core, Py_ssize_t start, Py_ssize_t low, bint literal):
        """As `pipeline.places._sought`."""
        cdef Py_ssize_t end, tried = 0, at, stop = min(low + MOVED_CHARS, self.size)
        cdef Py_UCS4 char, initial = core[0]
        while self.char(start) == u"&":
            end = self._reference_end(start)
            if end < 0 or not self.resolve(start, end).isspace():
                break
            start = self.gap_end(end)
        end = self.spelled(core, start, literal)
        if end >= 0:
            return start, end, end
        at = self.source.find(core, low, stop)
        if at >= 0:
            return at, at + len(core), low
        for at in range(low, stop):
            char = PyUnicode_READ(self.kind, self.data, at)
            if char != initial and char != u"&":
                continue
            end = self.spelled(core, at, literal)
            if end >= 0:
                return at, end, low
            tried += 1
            if tried == MOVED_TRIES:
                break
        return low, low, low


cdef Py_UCS4 _lower(Py_UCS4 char) noexcept:
    return <Py_UCS4>(<unsigned int>char + 32) if u"A" <= char <= u"Z" else char


cdef bint _is_blank(Py_UCS4 char) noexcept:
    """What HTML calls white space inside tags."""
    return char == u" " or u"\t" <= char <= u"\r" and char != u"\v"


cdef bint _is_ascii_letter(Py_UCS4 char) noexcept:
    return u"a" <= char <= u"z" or u"A" <= char <= u"Z"


cdef bint _is_hex(Py_UCS4 char) noexcept:
    return u"0" <= char <= u"9" or u"a" <= char <= u"f" or u"A" <= char <= u"F"


cdef struct Level:
    Py_ssize_t next, parent, box, link, kind


cdef class Above:
    """Where the walk stands in each element around: as deep as the page, not as Python's stack."""

    cdef Level* levels
    cdef Py_ssize_t depth, room
    cdef list nodes

    def __cinit__(self):
        self.levels, self.depth, self.room, self.nodes = NULL, 0, 0, []

    def __dealloc__(self):
        PyMem_Free(self.levels)

    cdef int push(self, tuple nodes, Level level) except -1:
        cdef void* larger
        if self.depth == self.room:
            larger = PyMem_Realloc(self.levels, (2 * self.room + 64) * sizeof(Level))
            if larger == NULL:
                raise MemoryError
            self.levels, self.room = <Level*>larger, 2 * self.room + 64
        self.levels[self.depth] = level
        self.depth += 1
        self.nodes.append(nodes)
        return 0

    cdef Level pop(self) noexcept:
        self.depth -= 1
        return self.levels[self.depth]


cdef dict _marks(
    frozenset inline, object unseen, frozenset void, frozenset raw, frozenset nested, frozenset joined
):
    """What each tag is to the walk."""
    cdef tuple key = (inline, unseen, void, raw, nested, joined)
    cdef dict marks = MARKS.get(key)
    if marks is not None:
        return marks
    marks = MARKS[key] = {}
    for mark, tags in (
        (INLINE, inline), (UNSEEN, unseen), (VOID, void), (RAW, raw), (NESTED, nested), (JOINED, joined)
    ):
        for tag in tags:
            marks[tag] = marks.get(tag, 0) | mark
    marks["a"] = marks.get("a", 0) | LINK
    marks["head"] = marks.get("head", 0) | HEAD
    marks["html"] = marks["body"] = WHOLE_PAGE
    return marks


cdef array _column(numbers):
    """A column of a tree, of 64-bit integers. Raises `TypeError` where it is none."""
    if type(numbers) is not array or numbers.typecode != "q":
        raise TypeError(type(numbers))
    return numbers


cdef inline int _append(array numbers, int64_t value) except -1:
    """Nobody may look into the column meanwhile: it moves as it grows."""
    cdef Py_ssize_t at = len(numbers)
    resize_smart(numbers, at + 1)
    numbers.data.as_longlongs[at] = value
    return 0


cdef inline int64_t _of(array numbers, Py_ssize_t at) except? -1:
    if not 0 <= at < len(numbers):
        raise IndexError(at)
    return numbers.data.as_longlongs[at]


cdef inline int _put(array numbers, Py_ssize_t at, int64_t value) except -1:
    if not 0 <= at < len(numbers):
        raise IndexError(at)
    numbers.data.as_longlongs[at] = value
    return 0


def walk(
    root, str source not None, tree, type element_type, type text_type, type kind_type, frozenset inline, object unseen,
    frozenset void, frozenset raw, frozenset nested, frozenset joined, Py_ssize_t max_elements, is_hiding_style, unescape,
    frozenset literal,
):
    """Fill an empty tree; true if the page was cut, its open elements are then closed."""
    cdef list kinds = tree.kinds, data = tree.data, noscripts = tree.noscripts, titles = tree.titles
    cdef array kind_of = _column(tree.kind), parents = _column(tree.parents), lasts = _column(tree.last)
    cdef array starts = _column(tree.starts), ends = _column(tree.ends), owners = _column(tree.owners)
    cdef array links = _column(tree.links), first = _column(tree.first), boxes = _column(tree.boxes)
    cdef array opened = _column(tree.opened), seams = _column(tree.seams)
    cdef dict hrefs = tree.hrefs, known = {}
    cdef dict marks = _marks(inline, unseen, void, raw, nested, joined)
    cdef Place place = Place(source, unescape, literal, marks, element_type, text_type)
    cdef Field attributes = _field(element_type, "attrs")
    cdef Above above = Above()
    cdef Level here = Level(0, -1, -1, -1, 0)
    cdef tuple nodes = root.children, path, children
    cdef object node, before = None, name, inner, href, attrs, classes
    cdef str tag
    cdef bint has_id, has_href
    cdef str text, blank = "", core
    cdef Py_ssize_t cursor = 0, low, start, end, index = 0, text_box = -1, begin, stop, more
    # Shown: how deep the element stands whose hidden text counts as seen.
    cdef Py_ssize_t shown = NOWHERE
    cdef bint is_unseen = False, is_hidden, apart = True, is_literal = False
    cdef int mark, char_kind
    cdef const void* chars
    while True:
        if here.next >= len(nodes):
            if not above.depth:
                return False
            _put(lasts, here.parent, index - 1)
            here, nodes, is_literal = above.pop(), above.nodes.pop(), False
            if above.depth == shown:
                shown = NOWHERE
            continue
        node = nodes[here.next]
        here.next += 1
        if type(node) is text_type:
            text = place.content.of(node)
            begin, stop = 0, len(text)
            char_kind, chars = PyUnicode_KIND(text), PyUnicode_DATA(text)
            while begin < stop and Py_UNICODE_ISSPACE(PyUnicode_READ(char_kind, chars, begin)):
                begin += 1
            if begin == stop and stop:
                blank = blank + text if blank else text
                continue
            while begin < stop and Py_UNICODE_ISSPACE(PyUnicode_READ(char_kind, chars, stop - 1)):
                stop -= 1
            core = text if stop - begin == len(text) else text[begin:stop]
            low = cursor
            if before is not None:
                low = max(low, place.after(before, is_unseen))
                before = None
            start, end, cursor = place.located(core, low, is_literal)
            _append(starts, start)
            _append(ends, end)
            if apart or here.box != text_box:
                _append(first, len(data))
                _append(boxes, here.box)
                _append(opened, index)
                apart, text_box = False, here.box
            elif not blank and _is_apart(tree, text, here, marks):
                _append(seams, len(data))
            if blank:
                text, blank = blank + text, ""
            data.append(text)
            _append(owners, here.parent)
            _append(links, here.link)
        elif type(node) is element_type:
            tag = place.tag.of(node)
            mark = marks.get(tag, 0)
            before, is_unseen, is_hidden = node, mark & UNSEEN, False
            has_id = has_href = False
            classes = None
            more = 0
            if not is_unseen:
                attrs = attributes.of(node)
                more = len(attrs)
                if more:
                    # Classes come as a list from `attrs`, and as they are written from `attr`.
                    classes = node.attr("class")
                    more -= classes is not None
                    has_id = more and "id" in attrs
                    more -= has_id
                    has_href = more and mark & LINK and "href" in attrs
                    more -= has_href
                    is_hidden = more and not mark & WHOLE_PAGE and _is_hidden(attrs, is_hiding_style)
                    if is_hidden and above.depth < shown:
                        is_unseen = not place.has_running_text(node)
            if is_unseen:
                if mark & HEAD:
                    cursor = max(cursor, place.after(node, True))
                    for child in <tuple>place.children.of(node):
                        if type(child) is element_type:
                            _listen(child, place.tag.of(child), titles)
                elif tag == "noscript":
                    noscripts.append(node.text)
                else:
                    _listen(node, tag, titles)
                continue
            if index >= max_elements:
                _close(lasts, parents, here.parent, index - 1)
                return True
            name = _name(classes, attrs["id"] if has_id else None)
            if more:
                name = _annotated(name, attrs, is_hidden)
            path = (here.kind, tag, name)
            inner = known.get(path)
            if inner is None:
                inner = known[path] = len(kinds)
                kinds.append(named(kind_type, path))
            _append(kind_of, inner)
            _append(parents, here.parent)
            _append(lasts, index)
            href = None
            if not mark & INLINE:
                apart, blank = True, ""
            elif has_href:
                href = attrs["href"]
                if href:
                    hrefs[index] = href
            children = place.children.of(node)
            if children:
                if is_hidden and above.depth < shown:
                    shown = above.depth
                above.push(nodes, here)
                nodes = children
                here.next, here.parent, here.kind, is_literal = 0, index, inner, tag in literal
                if not mark & INLINE:
                    here.box = index
                if href:
                    here.link = index
            index += 1


cdef int _listen(node, str tag, list titles) except -1:
    """Note what an unseen element calls the story, as `pipeline.dom._names`."""
    if tag == "title":
        titles.append(node.text)
    elif tag == "meta" and node.attr("property") == "og:title":
        titles.append(node.attr("content") or "")
    return 0


cdef bint _is_apart(tree, str text, Level here, dict marks) except -1:
    """As `pipeline.dom._is_apart`."""
    cdef list data = tree.data
    cdef array owners = _column(tree.owners), links = _column(tree.links)
    cdef str last = data[len(data) - 1], before, after
    cdef Py_ssize_t former = _of(owners, len(owners) - 1), link = _of(links, len(links) - 1)
    cdef Py_UCS4 char
    if not text or not last or former == here.parent:
        return False
    char = last[len(last) - 1]
    if not text[0].isalnum() or not (char.isalnum() or char >= 0x80 and category(char)[0] == u"M"):
        return False
    before, after = last[len(last) - 1 :], text[:1]
    if before.isalpha() and len(last.strip()) == 1:
        return False
    if not (before.isdigit() or before.lower() != before.upper()) or not (
        after.isdigit() or after.isalpha() and after != after.lower()
    ):
        if here.link < 0 or link < 0 or tree.hrefs[here.link] == tree.hrefs[link]:
            if not _are_named_apart(tree, former, here.parent):
                return False
    return _is_side_by_side(tree, former, here.parent, marks)


cdef bint _are_named_apart(tree, Py_ssize_t former, Py_ssize_t owner) except -1:
    """As `pipeline.dom._are_named_apart`."""
    cdef list kinds = tree.kinds
    cdef array kind_of = _column(tree.kind), boxes = _column(tree.boxes)
    cdef Py_ssize_t[2 * SEAM_REACH] around
    cdef Py_ssize_t box = _of(boxes, len(boxes) - 1)
    cdef Py_ssize_t left = _up_to_box(tree, former, box, &around[0]), right = _up_to_box(tree, owner, box, &around[left])
    cdef Py_ssize_t one = left - 1, other = right - 1
    while one >= 0 and _holds(&around[left], right, around[one]):
        one -= 1
    while other >= 0 and _holds(&around[0], left, around[left + other]):
        other -= 1
    if one < 0 or other < 0:
        return False
    name, another = row_of(kinds[_of(kind_of, around[one])])[2], row_of(kinds[_of(kind_of, around[left + other])])[2]
    return name and another and name != another


cdef bint _is_side_by_side(tree, Py_ssize_t former, Py_ssize_t owner, dict marks) except -1:
    """As `pipeline.dom._is_side_by_side`."""
    cdef list kinds = tree.kinds
    cdef array kind_of = _column(tree.kind), boxes = _column(tree.boxes)
    cdef Py_ssize_t[2 * SEAM_REACH] around
    cdef Py_ssize_t box = _of(boxes, len(boxes) - 1), at, count, shared = 0
    cdef Py_ssize_t left = _up_to_box(tree, former, box, &around[0]), right = _up_to_box(tree, owner, box, &around[left])
    if not left or not right or _holds(&around[left], right, former) or _holds(&around[0], left, owner):
        return False
    for at in range(left):
        shared += _holds(&around[left], right, around[at])
    count = left + right
    if count - shared >= SEAM_REACH:
        return False
    for at in range(count):
        if <int>marks.get(row_of(kinds[_of(kind_of, around[at])])[1], 0) & JOINED:
            return False
    return box < 0 or not <int>marks.get(row_of(kinds[_of(kind_of, box)])[1], 0) & JOINED


cdef Py_ssize_t _up_to_box(tree, Py_ssize_t element, Py_ssize_t box, Py_ssize_t* found) except -1:
    """Fill in the element and those around it in a box, at most `SEAM_REACH`; how many."""
    cdef array parents = _column(tree.parents)
    cdef Py_ssize_t count = 0
    while element != box and element >= 0 and count < SEAM_REACH:
        found[count] = element
        count += 1
        element = _of(parents, element)
    return count


cdef bint _holds(const Py_ssize_t* elements, Py_ssize_t count, Py_ssize_t element) noexcept:
    cdef Py_ssize_t at
    for at in range(count):
        if elements[at] == element:
            return True
    return False


cdef int _close(array lasts, array parents, Py_ssize_t element, int64_t last) except -1:
    """Elements that are open where a page is cut end there."""
    while element >= 0:
        _put(lasts, element, last)
        element = _of(parents, element)
    return 0


cdef bint _is_hidden(attrs, is_hiding_style) except -1:
    """As `pipeline.dom._is_hidden`."""
    if "style" in attrs:
        style = attrs["style"]
        # Both properties that hide have a y in their name.
        if style and ("y" in style or "Y" in style) and is_hiding_style(style):
            return True
    if "hidden" in attrs:
        hidden = attrs["hidden"]
        return hidden is not None and hidden.lower() != "until-found"
    return False


cdef _name(classes, identity):
    """As `pipeline.dom._name`."""
    if classes:
        return f"{classes} #{identity}" if identity else classes
    return f"#{identity}" if identity else ""


cdef _annotated(name, attrs, bint is_hidden):
    """As `pipeline.dom._annotated`."""
    for mark in ("role", "itemprop"):
        value = attrs[mark] if mark in attrs else None
        if value:
            name = f"{name} @{value}" if name else f"@{value}"
    if is_hidden:
        name = f"{name} @hidden" if name else "@hidden"
    return name


def blocks(
    tree, type block_type, tuple labels, frozenset preformatted, dict headings, int reach, Py_ssize_t steps,
    Py_ssize_t name_chars,
):
    """As `pipeline.segment_html.blocks_of`; `labels` are what a block carries before it has been given a role."""
    cdef list kinds = tree.kinds, data = tree.data
    cdef const int64_t[::1] kind_of = tree.kind, starts = tree.starts, ends = tree.ends, owners = tree.owners
    cdef const int64_t[::1] links = tree.links, firsts = tree.first, boxes = tree.boxes
    cdef dict hrefs = tree.hrefs, paths = {}, levels = {}, known = {}
    cdef Py_ssize_t count = len(firsts), at, first, last, text_at, link, kind
    cdef list result = [], written = [None] * len(kinds)
    cdef str text
    cdef object path, level, href
    for at in range(count):
        first = firsts[at]
        last = firsts[at + 1] if at + 1 < count else len(data)
        text = data[first] if last == first + 1 else "".join(data[first:last])
        kind = _kind(kind_of, boxes[at])
        text = text.strip("\n").rstrip() if row_of(kinds[kind])[1] in preformatted else _one_line(text)
        level = levels.get(kind)
        if level is None:
            level = levels[kind] = _level(kinds, kind, headings, reach)
        kind = _kind(kind_of, owners[first])
        path = paths.get(kind)
        if path is None:
            path = paths[kind] = _path(kinds, kind, written, known, steps, name_chars)
        href = ""
        for text_at in range(first, last):
            link = links[text_at]
            if link >= 0:
                href = hrefs[link]
                break
        result.append(named(block_type, (text, starts[first], ends[last - 1], path, level, href) + labels))
    return result


cdef Py_ssize_t _kind(const int64_t[::1] kind_of, Py_ssize_t element) except -1:
    """The kind of an element; what stands outside all of them is of the document's own."""
    return kind_of[element] if element >= 0 else 0


cdef str _one_line(str text):
    """White space as a browser shows it; most texts are so already."""
    cdef Py_ssize_t at, size = len(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef const void* data = PyUnicode_DATA(text)
    cdef bint blank, after_blank = True
    cdef Py_UCS4 char
    for at in range(size):
        char = PyUnicode_READ(kind, data, at)
        if u" " < char <= u"~":
            after_blank = False
            continue
        blank = Py_UNICODE_ISSPACE(char)
        if blank and (after_blank or char != u" "):
            return " ".join(text.split())
        after_blank = blank
    return " ".join(text.split()) if after_blank else text


cdef int _level(list kinds, Py_ssize_t kind, dict headings, int reach) except -1:
    """Heading level of the nearest heading at or above a kind of element, within reach."""
    cdef int distance
    cdef tuple about
    for distance in range(reach):
        about = row_of(kinds[kind])
        level = headings.get(about[1])
        if level is not None:
            return level
        kind = about[0]
    return 0


cdef str _path(list kinds, Py_ssize_t kind, list written, dict known, Py_ssize_t steps, Py_ssize_t name_chars):
    """The last steps of the path of a kind of element, each written once a page."""
    cdef list path = []
    cdef tuple about
    cdef object step, tag, name
    while kind > 0 and len(path) < steps:
        about = row_of(kinds[kind])
        step = written[kind]
        if step is None:
            tag, name = about[1], about[2]
            step = known.get((tag, name))
            if step is None:
                step = known[tag, name] = _step(tag, name, name_chars)
            written[kind] = step
        path.append(step)
        kind = about[0]
    path.reverse()
    return "/".join(path)


cdef str _step(str tag, str name, Py_ssize_t name_chars):
    """As `pipeline.segment_html._step`."""
    if not name:
        return tag
    name = _one_line((name if len(name) <= name_chars else name[:name_chars]).replace("/", "."))
    return f"{tag}.{name.replace(' ', '.')}"


def doubtful(list texts not None, const int64_t[::1] firsts not None):
    """Runs of texts that may show nothing: without a character that certainly does, ASCII or a letter of a common script."""
    cdef Py_ssize_t count = len(firsts), at, text_at, last
    cdef list runs = []
    for at in range(count):
        last = firsts[at + 1] if at + 1 < count else len(texts)
        for text_at in range(firsts[at], last):
            if _shows(texts[text_at]):
                break
        else:
            runs.append(at)
    return runs


cdef bint _shows(str text) except -1:
    cdef Py_ssize_t at, size = len(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef const void* data = PyUnicode_DATA(text)
    cdef Py_UCS4 char
    for at in range(size):
        char = PyUnicode_READ(kind, data, at)
        if char < 0x80:
            if not Py_UNICODE_ISSPACE(char):
                return True
        elif 0xC0 <= char < 0x300 or 0x370 <= char < 0x600 or 0x620 <= char < 0x1100 or 0x3041 <= char < 0x3100:
            return True
        elif 0x4E00 <= char < 0xA000 or 0xAC00 <= char < 0xD7A4:
            return True
    return False


def odd(str text not None):
    """What `pipeline.decode` has to normalise or to count in a text: bits for carriage returns, NULs, surrogates, replacements."""
    cdef Py_ssize_t at, size = len(text)
    cdef const void* data = PyUnicode_DATA(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef const unsigned short* two
    cdef const unsigned int* four
    cdef unsigned short unit, returns = 0, nuls = 0, lone = 0, replaced = 0
    cdef unsigned int wide, wide_returns = 0, wide_nuls = 0, wide_lone = 0, wide_replaced = 0
    if kind == 1:
        return ("\r" in text) | ("\x00" in text) << 1
    if kind == 2:
        two = <const unsigned short*>data
        for at in range(size):
            unit = two[at]
            returns |= unit == 13
            nuls |= unit == 0
            lone |= unit >> 11 == 0x1B
            replaced |= unit == 0xFFFD
        return returns | nuls << 1 | lone << 2 | replaced << 3
    four = <const unsigned int*>data
    for at in range(size):
        wide = four[at]
        wide_returns |= wide == 13
        wide_nuls |= wide == 0
        wide_lone |= wide >> 11 == 0x1B
        wide_replaced |= wide == 0xFFFD
    return wide_returns | wide_nuls << 1 | wide_lone << 2 | wide_replaced << 3


def without_returns(str text not None):
    """LF for CR and CRLF."""
    cdef Py_ssize_t size = len(text), shorter = 0, at, start = 0, to = 0
    cdef str result
    at = PyUnicode_FindChar(text, u"\r", 0, size, 1)
    while at >= 0:
        shorter += at + 1 < size and text[at + 1] == u"\n"
        at = PyUnicode_FindChar(text, u"\r", at + 1, size, 1)
    result = PyUnicode_New(size - shorter, PyUnicode_MAX_CHAR_VALUE(text))
    while start < size:
        at = PyUnicode_FindChar(text, u"\r", start, size, 1)
        to += PyUnicode_CopyCharacters(result, to, text, start, (at if at >= 0 else size) - start)
        if at < 0:
            break
        PyUnicode_WriteChar(result, to, u"\n")
        to += 1
        start = at + 2 if at + 1 < size and text[at + 1] == u"\n" else at + 1
    return result
