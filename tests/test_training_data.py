"""What training learns from: which blocks a known text accounts for, and the labels that people gave."""

from __future__ import annotations

import json
import re
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.label import CLASSES, ENTRIES
from pipeline.model import ROLES, Block, Role
from pipeline.segment_html import segment_html
from pipeline.structure import STRUCTURE, Floats
from tests.gate.measure import LABELS
from training import data
from training.bare import bare_pages
from training.bins import BINS, bins_of
from training.comments import AROUND, commented, thread_of
from training.counts import Counts
from training.data import (
    IN_MAIN,
    IN_SHARE,
    INDEX,
    MAIN_ROLES,
    OUT_SHARE,
    TOLD,
    Gold,
    _as_read,
    _mask,
    by_hand,
    closed,
    load,
    matched_share,
    site_of,
    within,
)
from training.layouts import laid_out
from training.plainer import plainer, without_headings, without_links, without_targets
from training.scripts import CASELESS, NAMES, ONE_IN, in_every_script, in_script, rewritten, write
from training.tables import STYLES, tabled

STORY = [
    "The ferry to the northern islands sails again from Monday, twice a day.",
    "Its new engine was tested in the harbour for three weeks without a fault.",
    "Tickets can be bought on board, and bicycles travel free until the autumn.",
]
MENU = ["Home", "Timetables", "Contact"]


def inside(lines: list[str], gold: list[str]) -> list[bool]:
    """Which lines a known text accounts for; the others it says nothing of."""
    shares = matched_share([Block(line, 0, 0) for line in lines], "\n".join(gold))
    assert ((shares >= IN_SHARE) | (shares <= OUT_SHARE)).all()
    return [bool(share) for share in shares >= IN_SHARE]


def test_blocks_of_the_known_text_are_found_among_others() -> None:
    assert inside([*MENU, *STORY, "All rights reserved"], STORY) == [0, 0, 0, 1, 1, 1, 0]


def test_a_block_that_the_known_text_has_elsewhere_is_found_all_the_same() -> None:
    first, second, third = STORY
    assert inside([*MENU, first, second, third], [third, first, second]) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("copies", [STORY[:1], STORY[1:2], STORY])
def test_what_a_page_says_twice_counts_as_often_as_the_known_text_says_it(copies: list[str]) -> None:
    page = [*STORY, *MENU, *copies]
    assert sum(inside(page, STORY)) == len(STORY)
    assert sum(inside(page, [*STORY, *copies])) == len(STORY) + len(copies)


def test_lone_words_of_the_known_text_do_not_make_a_block_part_of_it() -> None:
    assert inside(["Monday", *STORY, "Tickets"], STORY) == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("gold", [[], ["Nothing of this stands on the page at all, not one line of it."]])
def test_a_page_that_says_nothing_of_the_known_text_has_no_part_in_it(gold: list[str]) -> None:
    assert not any(inside(MENU, gold))


def test_labels_given_by_people_cover_every_line_of_a_page_once() -> None:
    rows = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    assert len({row["page"] for row in rows}) == len(rows)
    for row in rows:
        ranges = row["labels"]
        assert ranges[0][0] == 0, row["page"]
        assert all(first <= last for first, last, _ in ranges), row["page"]
        assert all(after[0] == before[1] + 1 for before, after in pairwise(ranges)), row["page"]
        assert {role for _, _, role in ranges} <= set(ROLES), row["page"]


def test_a_role_is_scored_by_the_words_that_were_read_and_said_to_have_it() -> None:
    counts = Counts()
    counts.add(["body", "body", "comment"], ["body", "teaser", "comment"], np.array([6.0, 2.0, 1.0]))
    counts.add(["comment"], ["body"], np.array([1.0]))
    figures = counts.figures("read")
    assert figures == {
        "read body": pytest.approx(2 * 6 / (8 + 7)),
        "read comment": pytest.approx(2 * 1 / (2 + 1)),
    }


def test_bins_part_a_fact_where_its_values_lie_and_leave_marks_of_presence_alone() -> None:
    present, even = np.arange(1000) % 2, np.linspace(-1, 1, 1000)
    # Nine in ten say nought.
    rare = np.where(np.arange(1000) % 10, 0.0, even)
    bins = bins_of(np.stack([present, even, rare], axis=1).astype(np.float32))
    assert set(bins["bin_facts"].tolist()) == {1, 2}
    for fact in (1, 2):
        mine = bins["bin_facts"] == fact
        starts, ends = bins["bin_starts"][mine], (bins["bin_starts"] + 1 / bins["bin_scales"])[mine]
        assert starts[0] == -1 and ends[-1] == pytest.approx(1, abs=0.02)
        assert ends[:-1] == pytest.approx(starts[1:])
        assert BINS <= mine.sum() <= BINS + 1
        # Quartiles of the values other than the commonest.
        assert np.abs(starts[:, None] - [-0.5, 0, 0.5]).min(axis=0) == pytest.approx(0, abs=0.05)
    assert 0 in bins["bin_starts"][bins["bin_facts"] == 2]


READ = [
    ("Home", Role.NAVIGATION), ("Weather: 3 < 5 & rising", Role.WIDGET), ("Ferry sails twice an hour", Role.TITLE),
    ("By Ada Brook", Role.BYLINE), ("The ferry left at noon.", Role.BODY), ("Nobody missed it.", Role.BODY),
    ("Choir finds its lost lantern", Role.HEADLINE), ("All rights reserved", Role.NOTICE),
]  # fmt: skip


def _read_page(name: str, lines: list[tuple[str, Role]]) -> Gold:
    page = segment_html("".join(f"<p>{escape(text)}</p>" for text, _ in lines))
    assert page.structure is not None
    nobody = np.ones((len(lines), len(CLASSES)), dtype=bool)
    return Gold(
        name, "town.example", page.blocks, page.structure, nobody, np.ones(len(lines), np.float32), False, "news"
    )


@pytest.mark.parametrize("number", range(40))
def test_a_page_laid_out_in_tables_keeps_its_lines_and_their_roles(number: int) -> None:
    gold = by_hand(_read_page(f"page/{number}", READ), [role for _, role in READ])
    [page] = laid_out([gold])
    assert [block.text for block in page.blocks] == [text for text, _ in READ]
    assert [ROLES[role] for role in page.allowed.argmax(axis=1)] == [role for _, role in READ]
    assert all("td" in block.path.split("/") or "td." in block.path for block in page.blocks)
    assert page.structure.shape == gold.structure.shape and not np.array_equal(page.structure, gold.structure)
    [again] = laid_out([gold])
    assert again.blocks == page.blocks


def test_pages_that_nobody_read_or_that_have_no_story_are_not_laid_out_anew() -> None:
    without_story = [(text, Role.NAVIGATION) for text, _ in READ]
    assert not laid_out([_read_page("page/1", READ)])
    assert not laid_out([by_hand(_read_page("page/2", without_story), [role for _, role in without_story])])


COMMENTED = [
    *READ[:6], ("3 comments", Role.INTERACTION), ("Ben", Role.COMMENT), ("I was on it.", Role.COMMENT), ("Cleo", Role.COMMENT),
    ("So was I.", Role.COMMENT), ("Also read", Role.TEASER), *READ[6:],
]  # fmt: skip


def test_small_pages_have_a_story_as_it_was_read_and_lines_of_other_pages_around_it() -> None:
    read = [by_hand(_read_page(f"page/{n}", COMMENTED), [role for _, role in COMMENTED]) for n in range(120)]
    pages = bare_pages(read)
    assert len(pages) == len(read)
    # Other stories are those of the other pages.
    known = {*COMMENTED, ("Ferry sails twice an hour", Role.HEADLINE)}
    seen: set[Role] = set()
    for page in pages:
        lines = [(b.text, ROLES[role]) for b, role in zip(page.blocks, page.allowed.argmax(axis=1), strict=True)]
        assert set(lines) <= known
        story = [line for line in lines if line[1] in TOLD]
        # The title, the byline and so many paragraphs, in order.
        assert len(story) >= 3
        assert story == [line for line in COMMENTED if line[1] in TOLD][: len(story)]
        seen |= {role for _, role in lines}
    assert seen == {role for _, role in COMMENTED} - {Role.WIDGET}
    assert [page.blocks for page in bare_pages(read)] == [page.blocks for page in pages]


def test_pages_that_nobody_read_or_that_have_no_story_make_no_small_ones() -> None:
    assert not bare_pages([_read_page("page/1", COMMENTED)])
    untold = [(text, Role.NAVIGATION) for text, _ in COMMENTED]
    assert not bare_pages([by_hand(_read_page("page/2", untold), [role for _, role in untold])])


DISCUSSED = [*READ, ("3 comments", Role.INTERACTION), ("Ben", Role.COMMENT), ("I was on it, and it was full to the last seat.", Role.COMMENT),
             ("Reply", Role.INTERACTION), ("Cleo", Role.COMMENT), ("9 May", Role.COMMENT), ("So was I, at the window, with my bicycle.", Role.COMMENT),
             ("Leave a comment", Role.INTERACTION)]  # fmt: skip


def test_comments_of_other_pages_stand_below_a_story_and_all_else_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = [by_hand(_read_page(f"news/{n}", READ), [role for _, role in READ]) for n in range(60)]
    lender = by_hand(_read_page("news/lender", DISCUSSED), [role for _, role in DISCUSSED])
    markup = "".join(f"<p>{escape(text)}</p>" for text, _ in READ)
    monkeypatch.setattr("training.data.source_of", lambda *_: markup)
    pages = commented([*bare, lender], count=50)
    assert pages[-1] is lender
    assert [page.page.removeprefix("comments/") for page in pages[:-1]] == [page.page for page in bare]
    changed = [page for page in pages if page.page.startswith("comments/")]
    assert len(changed) == 50
    lent, places = {line for line in DISCUSSED if line not in READ}, set()
    for page in changed:
        assert page.by_hand and len(page.blocks) == len(page.read) == len(page.structure) == len(page.weight)
        roles = [ROLES[role] for role in page.allowed.argmax(axis=1)]
        assert roles == [Role(role) for role in page.read] and (page.allowed.sum(axis=1) == 1).all()
        lines = [(block.text, role) for block, role in zip(page.blocks, roles, strict=True)]
        assert [line for line in lines if line not in lent] == READ
        first = next(place for place, line in enumerate(lines) if line in lent)
        added = lines[first : first + len(lines) - len(READ)]
        assert set(added) <= lent and added[0] == ("3 comments", Role.INTERACTION)
        # Below the last paragraph.
        assert first > lines.index(("Nobody missed it.", Role.BODY))
        # Who wrote a comment stands before it.
        assert [line[0] for line in added if line[1] == Role.COMMENT] in (
            ["Ben", DISCUSSED[-6][0]], ["Cleo", "9 May", DISCUSSED[-2][0]], ["Ben", DISCUSSED[-6][0], "Cleo", "9 May", DISCUSSED[-2][0]],
        )  # fmt: skip
        places.add(len(lines) - first - len(added))
    # In the middle of the page and at its end.
    assert len(places) > 1
    again = commented([*bare, lender], count=50)
    assert [page.blocks for page in again] == [page.blocks for page in pages]


def test_users_of_forums_and_shops_lend_no_comments_and_pages_that_nobody_read_get_none() -> None:
    unread = _read_page("news/1", READ)
    forum = by_hand(_read_page("web/1", DISCUSSED), [role for _, role in DISCUSSED])._replace(kind="forum")
    read = by_hand(_read_page("news/2", READ), [role for _, role in READ])
    assert commented([unread, forum, read]) == [unread, forum, read]
    assert thread_of(read) is None


def test_markup_around_lent_comments_is_closed() -> None:
    assert all(segment_html(f"{around}a{closed(around)}<p>b").blocks[1].path.endswith("p") for around in AROUND)


LONG_READ = [*READ[:6], *((f"Paragraph {n} of the ferry.", Role.BODY) for n in range(4)), *READ[6:]]


def test_a_table_of_the_story_s_words_and_numbers_stands_between_two_paragraphs_and_all_else_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = [by_hand(_read_page(f"news/{n}", LONG_READ), [role for _, role in LONG_READ]) for n in range(60)]
    commented_on = read[0]._replace(page="comments/news/60")
    markup = "".join(f"<p>{escape(text)}</p>" for text, _ in LONG_READ)
    monkeypatch.setattr("training.data.source_of", lambda *_: markup)
    pages = tabled([*read, commented_on, _read_page("news/61", LONG_READ)], count=50)
    assert pages[-2] is commented_on and pages[-1].page == "news/61"
    changed = [page for page in pages if page.page.startswith("tabled/")]
    assert len(changed) == 50
    words = {word for text, role in LONG_READ if role == Role.BODY for word in text.split()}
    sizes = set()
    for page in changed:
        lines = [(block.text, Role(role)) for block, role in zip(page.blocks, page.read, strict=True)]
        assert [ROLES[role] for role in page.allowed.argmax(axis=1)] == [role for _, role in lines]
        first = next(at for at, (one, other) in enumerate(zip(lines, LONG_READ, strict=False)) if one != other)
        cells = lines[first : first + len(lines) - len(LONG_READ)]
        assert [*lines[:first], *lines[first + len(cells) :]] == LONG_READ
        assert LONG_READ[first - 2][1] == LONG_READ[first + 1][1] == Role.BODY
        assert all(role == Role.BODY and (set(text.split()) <= words or re.search(r"\d", text)) for text, role in cells)
        sizes.add(len(cells))
    assert len(sizes) > 5
    assert [page.blocks for page in tabled([*read, commented_on], count=50)[:60]] == [
        page.blocks for page in pages[:60]
    ]


def test_a_table_of_a_script_without_blanks_has_cells_of_a_few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(write(text, "Han"), role) for text, role in LONG_READ]
    monkeypatch.setattr("training.data.source_of", lambda *_: "".join(f"<p>{escape(text)}</p>" for text, _ in lines))
    [page] = tabled([by_hand(_read_page("news/1", lines), [role for _, role in lines])])
    cells = [block.text for block in page.blocks if block.text not in dict(lines)]
    assert cells and all(0 < len(cell) <= 10 for cell in cells)


def test_markup_around_tables_is_closed() -> None:
    for tags in STYLES:
        inner = "".join(f"{tag}a{closed(tag)}" for tag in tags[2:])
        table = tags[0] + tags[1] + inner + closed(tags[1]) + closed(tags[0])
        assert [block.text for block in segment_html(f"{table}<p>b").blocks] == ["a", "a", "b"]
        assert segment_html(f"<body>{table}<p>b").blocks[2].path.endswith("body/p")


LINKED = """<title>Ferry</title><body><nav><a href='/sport'>Sport</a></nav><h1>Ferry sails</h1><p>It left at noon.</p>
<h2 class=more>Also read</h2><ul><li><a href='/news/choir-finds-its-lost-lantern-4711'>Choir finds its lost lantern</a></ul>"""


def _linked_page(number: int = 0) -> Gold:
    page = segment_html(LINKED)
    assert page.structure is not None
    roles = [Role.NAVIGATION, Role.TITLE, Role.BODY, Role.TEASER, Role.HEADLINE]
    gold = _read_page(f"news/{number}", [(block.text, role) for block, role in zip(page.blocks, roles, strict=True)])
    return by_hand(gold._replace(blocks=page.blocks, structure=page.structure), roles)


def _facts_of(markup: str) -> Floats:
    structure = segment_html(markup).structure
    assert structure is not None
    return structure


def test_a_page_whose_links_lead_nowhere_has_the_facts_of_such_markup() -> None:
    page = _linked_page()
    to_nowhere, no_link = re.sub("href='[^']+'", "href='#'", LINKED), re.sub("href='[^']+'", "", LINKED)
    assert np.allclose(without_targets(page).structure, _facts_of(to_nowhere))
    assert np.allclose(without_links(page).structure, _facts_of(no_link))
    local = STRUCTURE.index("href_local")
    some = [without_targets(page._replace(page=f"news/{n}"), 0.5).structure[:, local].sum() for n in range(40)]
    assert set(some) == {0, 1, 2}


def test_a_page_without_headings_has_the_facts_of_boxes() -> None:
    page, boxes = _linked_page(), re.sub(r"(</?)h\d", r"\1div", LINKED)
    plain = without_headings(page)
    assert [block._replace(role=Role.BODY, start=0, end=0) for block in plain.blocks] == [
        block._replace(role=Role.BODY, start=0, end=0) for block in segment_html(boxes).blocks
    ]
    different = {
        STRUCTURE[fact] for fact in np.flatnonzero((~np.isclose(plain.structure, _facts_of(boxes))).any(axis=0))
    }
    # Counted among their like, which no fact of one block tells.
    assert different <= {"siblings", "sibling_place"}


def test_most_times_a_page_is_as_it_is_and_every_epoch_has_pages_of_all_forms() -> None:
    forms = [plainer(_linked_page(number)) for number in range(60)]
    for page in forms:
        assert len(page) == 6 and len({id(form) for form in page}) == 3
        assert max(sum(form is other for other in page) for form in page) == 4
    assert {sum(page[0] is other for other in page) for page in forms} == {1, 4}


def test_the_roles_read_count_where_the_page_s_own_gold_does_not_say_otherwise_about_the_main_text() -> None:
    page = _read_page("web/1", READ)
    main = _mask(MAIN_ROLES)
    # The gold leaves out the second paragraph, takes in another story's title, and says nothing of the last line.
    says_main = np.array([False, False, False, False, True, False, True, False])
    page.allowed[:] = np.where(says_main[:, None], main, ~IN_MAIN)
    page.allowed[-1], page.weight[-1] = True, 0
    found = within(page, [role for _, role in READ])
    assert not found.by_hand and found.weight.tolist() == [1] * len(READ)
    for block, (_, role) in enumerate(READ):
        disputed = block in {5, 6}
        assert [ROLES[at] for at in np.flatnonzero(found.allowed[block])] == (
            [ROLES[at] for at in np.flatnonzero(page.allowed[block])] if disputed else [role]
        )


@pytest.mark.parametrize("kind", ["listing", "news"])
def test_an_entry_that_the_gold_counts_as_main_text_is_told_as_what_the_reader_saw_on_pages_that_list(
    kind: str,
) -> None:
    lines = [("Choir finds its lantern", Role.HEADLINE), ("By Ada Brook", Role.TEASER), ("Home", Role.NAVIGATION)]
    page = _read_page("web/1", lines)._replace(kind=kind)
    page.allowed[:] = IN_MAIN if kind == "listing" else _mask(MAIN_ROLES)
    found = [np.flatnonzero(row).tolist() for row in within(page, [role for _, role in lines]).allowed]
    gold = np.flatnonzero(page.allowed[0]).tolist()
    entries = [[len(ROLES) + ENTRIES.index(role)] for role in (Role.HEADLINE, Role.TEASER)]
    assert found == ([*entries, gold] if kind == "listing" else [gold] * 3)


def test_an_entry_that_the_gold_leaves_out_is_not_told() -> None:
    page = _read_page("web/1", READ[-2:])._replace(kind="listing")
    page.allowed[:] = ~IN_MAIN
    found = within(page, [role for _, role in READ[-2:]]).allowed
    assert [ROLES[at] for at in found.argmax(axis=1)] == [Role.HEADLINE, Role.NOTICE] and (found.sum(axis=1) == 1).all()


def test_a_standfirst_that_the_gold_has_in_its_text_stays_one() -> None:
    page = _read_page("news/1", READ)
    page.allowed[:] = _mask((*MAIN_ROLES, Role.SUBTITLE))
    roles = [Role.SUBTITLE, *[Role.BODY] * (len(READ) - 1)]
    assert [ROLES[at] for at in np.flatnonzero(within(page, roles).allowed[0])] == [Role.SUBTITLE]


@pytest.mark.parametrize(
    ("page", "kind", "in_gold", "gold_stands", "weighs_more"),
    [
        ("news-en-dev/1", "news", 4, True, True),
        # Half of the story as read is another one to the gold.
        ("news-en-dev/1", "news", 1, False, True),
        ("news-dev/1", "news", 4, False, True),
        ("wcxb-dev/1", "article", 4, False, True),
        ("wcxb-dev/1", "listing", 4, True, False),
    ],
)
def test_where_reader_and_gold_differ_the_gold_stands_on_some_pages(
    page: str, kind: str, in_gold: int, gold_stands: bool, weighs_more: bool
) -> None:
    lines = [(f"Paragraph {number} of the story.", Role.BODY) for number in range(5)]
    gold = _read_page(page, lines)._replace(kind=kind)
    gold.allowed[:] = _mask(MAIN_ROLES)
    gold.allowed[in_gold:] = ~IN_MAIN
    found = _as_read(gold, [Role.BODY] * 5)
    assert found.allowed[-1, INDEX[Role.BODY]] != gold_stands
    assert found.allowed[0].sum() == 1 and found.by_hand == weighs_more


def test_shares_count_blocks_that_the_gold_knows_of() -> None:
    gold = _read_page("news-en-dev/1", [("One paragraph.", Role.BODY), ("Another paragraph.", Role.BODY)])
    gold.allowed[1] = ~IN_MAIN
    gold.weight[0] = 0
    assert not _as_read(gold, [Role.BODY] * 2).allowed[1, INDEX[Role.NOTICE]]


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://news.mit.edu/a", "mit.edu"), ("https://web.mit.edu/b", "mit.edu"), ("http://www.un.org/c", "un.org"),
        ("https://www.example.co.uk/d", "example.co.uk"), ("https://blog.example.com/e", "example.com"), ("example.de", "example.de"),
    ],
)  # fmt: skip
def test_the_hosts_of_one_site_stay_together(url: str, site: str) -> None:
    assert site_of(url) == site


@pytest.mark.parametrize("script", NAMES)
def test_a_page_in_another_script_has_no_letter_it_had_and_says_the_same_things_twice(script: str) -> None:
    gold = by_hand(_read_page("page/1", READ), [role for _, role in READ])
    page = in_script(gold, script)
    assert page.site == gold.site and page.page != gold.page
    assert np.array_equal(page.allowed, gold.allowed) and np.array_equal(page.structure, gold.structure)
    before, after = " ".join(block.text for block in gold.blocks), " ".join(block.text for block in page.blocks)
    assert not {letter for letter in before if letter.isalpha()} & set(after)
    assert write("3 < 5 & 20.15", script) == "3 < 5 & 20.15"
    said = write("The ferry, the ferry", script)
    assert said.startswith(write("The ferry", script)) and said.lower().count(write("ferry", script)) == 2


def test_capitals_stay_capitals_where_a_script_has_them() -> None:
    assert write("Ferry to ELM Bay", "Cyrillic").split()[0].istitle()
    assert write("Ferry to ELM Bay", "Cyrillic").split()[2].isupper()
    assert not any(letter.isupper() for script in CASELESS for letter in write("Ferry to ELM Bay", script))


def test_one_page_in_so_many_is_read_again_in_another_script() -> None:
    golds = [_read_page(f"page/{number}", READ[:1]) for number in range(2000)]
    again = rewritten(golds)
    assert len(again) == pytest.approx(len(golds) / ONE_IN, rel=0.1)
    scripts = [page.page.split("/")[0] for page in again]
    assert {script: scripts.count(script) for script in CASELESS} == pytest.approx(
        dict.fromkeys(CASELESS, len(again) / len(CASELESS)), rel=0.25
    )
    assert [page.blocks for page in rewritten(golds)] == [page.blocks for page in again]


def test_a_page_in_every_script_is_in_each_once_and_not_all_begin_with_the_same() -> None:
    golds = [_read_page(f"page/{number}", READ[:1]) for number in range(50)]
    orders = [[page.page.split("/")[0] for page in in_every_script(gold)] for gold in golds]
    assert all(sorted(order) == NAMES for order in orders)
    assert {order[0] for order in orders} == set(NAMES)


def test_without_labelled_pages_training_says_where_they_belong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data, "BENCH", tmp_path / "shared" / "bench")
    with pytest.raises(SystemExit, match=r"no labelled pages at \.\./shared/bench beside the checkout"):
        load()
