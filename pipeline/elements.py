"""HTML's elements by what they are to a reader, and to whoever looks for their ends in a source."""

from __future__ import annotations

# Elements that run inside a line. Everything else, custom elements included, stands as a block of its own.
INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "blink", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "input", "ins", "kbd", "label", "map", "mark", "nobr", "output", "picture", "q", "rb", "rt", "rtc", "ruby", "s", "samp",
    "small", "source", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
# Elements whose content a reader does not see, or sees as a picture. With scripting on, <noscript> is one of them.
UNSEEN = frozenset({
    "area", "audio", "base", "canvas", "embed", "frame", "frameset", "head", "iframe", "link", "math", "meta", "noembed",
    "noframes", "noscript", "object", "param", "rp", "script", "style", "svg", "template", "title", "track", "video",
})  # fmt: skip
# Of those, how one ends: not at all; at the first end tag, whatever stands between; at the end tag of the same depth.
VOID = frozenset({"area", "base", "embed", "frame", "link", "meta", "param", "track"})
RAW = frozenset({"iframe", "noembed", "noframes", "script", "style", "title"})
NESTED = frozenset({"audio", "canvas", "math", "object", "svg", "template", "video"})
# Elements in which tags are text, and references are not.
LITERAL = frozenset({"textarea"})
PREFORMATTED = frozenset({"pre", "textarea", "listing", "xmp", "plaintext"})
# Letters that touch belong together in these and at their edges: formulas, notes, readings, names of code.
JOINED = PREFORMATTED | {"code", "kbd", "rb", "rt", "rtc", "ruby", "samp", "sub", "sup", "tt", "var"}
