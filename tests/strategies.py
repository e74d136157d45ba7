"""Generated pages: well nested, with what pages are made of."""

from __future__ import annotations

import html

from hypothesis import strategies as st

LETTERS = "abcdefgh XYZ 123 .,;-é ß Ω ж 字 あ ع ש 한 🍞 \u00a0\u200b\u200d\u00ad\ufeff \n\t&<>\"'"
INLINE = ("b", "i", "em", "span", "code", "small")
BOXES = ("div", "section", "article", "blockquote", "aside", "main", "figure")
HIDDEN = (" hidden", ' style="display:none"', ' style="color:red; Visibility : hidden"', ' hidden=""')
CLASSES = ("", ' class="story wide"', ' id="lead"', ' class="c-card__body" id=k7', ' role="note"', " data-x='a>b'")


@st.composite
def references(draw: st.DrawFn) -> str:
    """Text as it stands in markup: every character as itself or as one of its references."""
    text = draw(st.text(alphabet=LETTERS, max_size=12))
    ways = draw(st.lists(st.integers(0, 3), min_size=len(text), max_size=len(text)))
    return "".join(_written(char, way) for char, way in zip(text, ways, strict=True))


def _written(char: str, way: int) -> str:
    if way == 0 and char not in "\n\t ":
        return f"&#{ord(char)};"
    if way == 1 and char not in "\n\t ":
        return f"&#x{ord(char):X};"
    if char == "\u00a0" and way == 2:
        return "&nbsp;"
    return html.escape(char)


def element(tag: str, content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda marks, inside: f"<{tag}{marks}>{inside}</{tag}>", st.sampled_from(CLASSES), content)


def joined(parts: st.SearchStrategy[str], most: int = 4) -> st.SearchStrategy[str]:
    return st.lists(parts, max_size=most).map("".join)


UNSEEN = st.sampled_from(
    (
        "<!-- a > comment -->",
        "<script>if (a<b) { x = '<p>no</p>' }</script>",
        "<style>p { color: red }</style>",
        "<svg><title>icon</title><text>no</text></svg>",
        "<template><p>no</p></template>",
        "<img alt='no' src=x>",
        "<wbr>",
        "<!-- -->",
    )
)
RUN = st.recursive(
    references() | UNSEEN | st.sampled_from((" ", "\n")),
    lambda inner: st.one_of(
        *(element(tag, joined(inner)) for tag in INLINE),
        st.builds(lambda marks, inside: f"<span{marks}>{inside}</span>", st.sampled_from(HIDDEN), joined(inner)),
    ),
    max_leaves=6,
)
LINE = joined(RUN)
LINKED = st.builds(lambda inside: f'<a href="/story-{len(inside)}">{inside}</a>', LINE)
PARAGRAPH = st.one_of(
    *(element(tag, joined(RUN | LINKED | st.just("<br>"))) for tag in ("p", "h1", "h2", "h5", "p")), LINE, LINKED
)
LIST = st.lists(element("li", LINE), min_size=1, max_size=3).map(lambda items: f"<ul>{''.join(items)}</ul>")
TERMS = st.builds(lambda term, said: f"<dl><dt>{term}</dt><dd>{said}</dd></dl>", LINE, LINE)
ROW = st.lists(element("td", LINE), min_size=1, max_size=3).map(lambda cells: f"<tr>{''.join(cells)}</tr>")
TABLE = st.lists(ROW, min_size=1, max_size=3).map(lambda rows: f"<table><tbody>{''.join(rows)}</tbody></table>")
PRE = references().map(lambda text: f"<pre>x{text}</pre>")
BODY = st.recursive(
    st.one_of(PARAGRAPH, LIST, TERMS, TABLE, PRE, UNSEEN, st.just("<hr>")),
    lambda inner: st.one_of(
        *(element(tag, joined(inner)) for tag in BOXES),
        st.builds(lambda marks, inside: f"<div{marks}>{inside}</div>", st.sampled_from(HIDDEN), joined(inner)),
    ),
    max_leaves=12,
)
PAGES = joined(BODY, 6).map(
    lambda body: f"<!DOCTYPE html><html><head><title>Head</title></head><body>{body}</body></html>"
)
