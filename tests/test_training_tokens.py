"""What hashed words and class names tell of roles before anything is learned (`training/tokens.py`)."""

from html import escape

import numpy as np
from numpy.typing import NDArray

from pipeline.features import PATH_BUCKETS, WORD_BUCKETS
from pipeline.label import CLASSES
from pipeline.model import Role
from pipeline.segment_html import segment_html
from training.data import Example, Gold, html_example, text_example, with_roles
from training.tokens import SPREAD, telling

STORY = "The ferry to the northern islands sailed again on Monday with a good deal of post"
LINES = [
    ("Advertisement", Role.PROMOTION), ("Sponsored", Role.PROMOTION), ("Share", Role.INTERACTION), ("Print", Role.INTERACTION),
    *((f"{word} {STORY}", Role.BODY) for word in STORY.split()),
]  # fmt: skip


def _gold(site: str, lines: list[tuple[str, Role]] = LINES) -> Gold:
    markup = "".join(f"<p class={role}>{escape(text)}</p>" for text, role in lines)
    blocks, structure, _ = segment_html(markup)
    assert structure is not None
    nothing = np.zeros((0, len(CLASSES)), dtype=bool), np.zeros(0, dtype=np.float32)
    roles = [str(role) for _, role in lines]
    return with_roles(Gold(f"{site}/1", site, blocks, structure, *nothing, True, "news", roles), roles)


def _of_lines(examples: list[Example]) -> NDArray[np.float32]:
    """The mean first embedding of each line's words, (lines, size)."""
    table = telling(examples, "word", WORD_BUCKETS, 4)
    facts = examples[0].features
    return np.stack(
        [table[facts.words[a:b]].mean(0) for a, b in zip(facts.word_starts, facts.word_starts[1:], strict=False)]
    )


def test_words_of_one_role_start_close_together_and_far_from_those_of_others() -> None:
    advert, sponsored, share, printing, *story = _of_lines([html_example(_gold(f"{n}.example")) for n in range(40)])
    same = max(np.linalg.norm(advert - sponsored), np.linalg.norm(share - printing))
    assert min(np.linalg.norm(advert - share), np.linalg.norm(advert - story[0])) > 5 * same


def test_what_one_site_repeats_tells_less_than_what_many_sites_say() -> None:
    # A house that puts its adverts under "Ferry", a hundred times a page, among those that write of ferries.
    house = html_example(_gold("house.example", [("Ferry", Role.PROMOTION)] * 100 + LINES))
    others = [html_example(_gold(f"{n}.example", [("Ferry", Role.BODY), *LINES])) for n in range(20)]
    lines = _of_lines([house, *others])
    ferry, advert, story = lines[0], lines[100], lines[104]
    assert np.linalg.norm(ferry - story) < np.linalg.norm(ferry - advert)


def test_embeddings_have_one_spread_and_tokens_that_stand_nowhere_none() -> None:
    examples = [html_example(_gold(f"{n}.example")) for n in range(5)]
    for table, buckets in (
        (telling(examples, "word", WORD_BUCKETS, 3), WORD_BUCKETS), (telling(examples, "path", PATH_BUCKETS, 3), PATH_BUCKETS),
    ):  # fmt: skip
        assert table.shape == (buckets, 3) and table.dtype == np.float32
        assert np.isclose(table.std(), SPREAD, rtol=1e-4)
    used = np.unique(np.concatenate([example.features.words for example in examples]))
    unused = np.setdiff1d(np.arange(WORD_BUCKETS), used)
    np.testing.assert_allclose(telling(examples, "word", WORD_BUCKETS, 3)[unused], 0, atol=1e-9)
    # Flattened text has no markup to tell anything.
    assert not telling([text_example(_gold("a.example"))], "path", PATH_BUCKETS, 3).any()


def test_blocks_of_which_nothing_is_known_tell_nothing() -> None:
    example = html_example(_gold("a.example"))
    nothing = example._replace(weight=np.zeros_like(example.weight))
    undecided = example._replace(allowed=np.ones_like(example.allowed))
    assert not telling([nothing, undecided], "word", WORD_BUCKETS, 3).any()
    np.testing.assert_array_equal(
        telling([example, nothing, undecided], "word", WORD_BUCKETS, 3), telling([example], "word", WORD_BUCKETS, 3)
    )
