"""Every block gets the role a reader would give it, from small nets over the page's sequence of blocks.

`features` says what is known of each block; dilated convolutions look at the neighbours (15 blocks to either side), means at what
stands before the block, after it, under the same path of tags and classes, under that of the element around it and in its
section, a summary at the whole page; a softmax gives the 14 roles, five of them twice: once more for entries of what a page lists
and is read for (`CLASSES`). A net is run in numpy from a plain weights file; it is trained in ``training/`` (idea: Web2Text, Vogels et al. 2018, a CNN over a
page's blocks). One file of weights serves pages with markup, one flattened text; each holds two nets, whose logits are
averaged. Flattened text is always read by both. A page with markup is read by the first alone, unless that leaves the story
unclear, then by the second too, and where the two together do, once more as if it were flattened.

Which blocks make up the story is decided for the page as a whole: the set with the highest expected word F1 (Ye et al. 2012,
"Optimizing F-measure"), not each block against one half. Probabilities are rounded before anything is compared, so that
the last bits of a machine's arithmetic decide nothing.

What it gets wrong: see the model card, ``pipeline/data/labeller/CARD.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline import native
from pipeline.errors import SettingsError
from pipeline.features import DENSE, GROUP_KINDS, PATH_BUCKETS, WORD_BUCKETS, Features, features
from pipeline.kept_memory import keep_memory
from pipeline.model import ROLES, Block, Role
from pipeline.one_thread import one_thread
from pipeline.structure import Floats, Ints
from pipeline.why import explain


class LabelSettings(NamedTuple):
    """Which weights label the blocks."""

    markup_weights: str = ""
    """Path of a weights file for pages with markup; empty: the one that comes with presscut."""
    text_weights: str = ""
    """The same for flattened text, and for pages with markup whose story the others leave unclear."""


ROUND = 4
"""Decimals of a probability that count."""
ENTRIES = (Role.BYLINE, Role.HEADLINE, Role.TEASER, Role.COMMENT, Role.PROMOTION)
"""Roles of what a page may list, and be read for: the stories of a section front, the posts of a forum, the goods of a shop."""
CLASSES = (*ROLES, *ENTRIES)
"""What a net tells apart: the roles, and those of entries once more, for blocks that are told with the page's text."""
ROLE_OF = np.array([ROLES.index(role) for role in CLASSES])
"""Numbers of the classes' roles."""
TWINS = ROLE_OF[len(ROLES) :]
"""Those of the entries' classes."""
MAIN = [ROLES.index(Role.HEADING), ROLES.index(Role.BODY), *range(len(ROLES), len(CLASSES))]
"""Classes of the main text."""
TITLE, SUBTITLE = ROLES.index(Role.TITLE), ROLES.index(Role.SUBTITLE)
# Below this many expected words the page has no story to speak of, and only blocks more likely in it than not are kept.
STORY_WORDS = 15.0


class Plain(NamedTuple):
    """A story is taken as it is from either of these on."""

    f1: float
    """Expected word F1."""
    share: float = inf
    """Share of its words that is expected to belong to it, whatever else may: below a short story, a long tail of others promises so
    much that doubt would take all of it in. No share is enough by default."""


# What is wrong on a page is wrong together, so on a page whose story is not plain the probabilities are less sure together than one by
# one: their logits are scaled before the story is chosen. Swept on unseen pages of WCXB and news, 0.7..0.95, 0.8..0.95 and 0.2..1.0.
PLAIN, PAGE_DOUBT = Plain(0.85, 0.85), 0.5
# A page has one title: the likeliest block, from this probability on; another block needs to be this sure. The first was swept on unseen
# pages, 0.1..0.4: hardly a page differs.
TITLE_AT, OTHER_TITLE_AT = 0.2, 0.6
# A subtitle is told with the story, so a block that is less likely than this to be told, as one or as main text, is none, whatever
# else it may be: the name of an outlet above the menu. Swept on unseen pages, 0..0.5.
TOLD_AT = 0.2
# Roles that are rare and hard to tell are hardly ever the likeliest of a block, so outside the story their probability counts for more:
# the threshold that maximises F1 is half of that F1 (Lipton et al. 2014, "Optimal thresholding of classifiers to maximize F1 measure").
# Swept on unseen pages, role by role and together, 0.7..3.
RARE, RARE_WEIGHT = frozenset({Role.COMMENT, Role.PROMOTION, Role.WIDGET}), 1.5
WEIGHT_OUTSIDE = np.array([RARE_WEIGHT if role in RARE else 1.0 for role in ROLES])
# Words expected, from which on there is some story. Swept on unseen pages of WCXB, 0..30.
SOME_WORDS = 5.0
# The second net is asked where the story is not so plain to the first, and the last where it is not to the two together. The second
# sees what the first does, and mends its slips; the net for flattened text sees less, and takes what stands around a short story for more of it.
# Swept on unseen pages, 0.7..1 each, and the share 0.8..0.95.
PLAIN_TO = (Plain(0.93), Plain(0.85, 0.85))
NETS = 2
"""Nets of a weights file."""
OUTLIER = 5.0
"""Standard deviations from the mean at which facts are cut."""
BLOCKS_AT_ONCE = 4096
"""Blocks of which all that enters the net is held at once: many times what the net keeps of them."""


class Weights(NamedTuple):
    """A trained net. Shapes: d dense facts, w width, c classes. In a file every array has one axis more in front: the nets."""

    mean: Floats
    scale: Floats
    bin_facts: Ints
    """(bins,): which fact each is a bin of."""
    bin_starts: Floats
    """Lower ends, in standard deviations from the mean."""
    bin_scales: Floats
    """One over their widths."""
    words: Floats
    paths: Floats
    """(places, numbers): of flattened text, which has none, (places, 0)."""
    enter: Floats
    enter_bias: Floats
    convs: Floats
    """(layers, 3 w, w): the taps before, at and after a block, one under the other."""
    conv_biases: Floats
    dilations: Ints
    page: Floats
    page_bias: Floats
    company: Floats
    """((3 + kinds of groups) w, w): a block, what stands before it, after it, and in each group it belongs to."""
    company_bias: Floats
    leave: Floats
    leave_bias: Floats
    out: Floats
    out_bias: Floats
    temperature: Floats
    """(1,): logits are divided by it, so that scores are frequencies."""
    surrogate: Floats
    """(d, c): a linear reading of the nets together, for saying why."""


def label(blocks: Sequence[Block], structure: Floats | None, settings: LabelSettings = LabelSettings()) -> list[Block]:
    """The blocks with `role`, `score`, `why` and `listed`. `structure` as from a segmenter; None for flattened text."""
    if not blocks:
        return []
    nets = load(settings.text_weights, "text") if structure is None else load(settings.markup_weights, "markup")
    facts = features(blocks, structure)
    words = words_per_block(facts)
    opinions = [partial(run, facts, net) for net in nets]
    if structure is not None:
        opinions.append(partial(_run_unmarked, blocks, load(settings.text_weights, "text")[0]))
    p = agreed(opinions, float(nets[0].temperature[0]), words, at_once=structure is None)
    chosen = decide(p, words)
    standard = standardise(facts.dense, nets[0])
    reasons = explain(standard, facts.dense, nets[0].surrogate, chosen)
    return _with_roles(blocks, chosen, by_role(p), reasons)


def _with_roles(blocks: Sequence[Block], chosen: Ints, p: NDArray[np.float64], reasons: list[str]) -> list[Block]:
    """`chosen` are numbers of classes, `p` probabilities of roles."""
    roles, listed = ROLE_OF[chosen], chosen >= len(ROLES)
    if native.facts is not None:
        first = Block._fields.index("role")
        return native.facts.with_roles(blocks, Block, first, ROLES, roles, p, reasons, listed.view(np.uint8))
    scores = p[np.arange(len(blocks)), roles].tolist()
    rows = zip(blocks, roles.tolist(), scores, reasons, listed.tolist(), strict=True)
    return [
        block._replace(role=ROLES[role], score=score, why=why, listed=is_listed)
        for block, role, score, why, is_listed in rows
    ]


def by_role(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (blocks, roles) of those of classes: an entry's role is the same whether it is told or not."""
    roles: NDArray[np.float64] = p.T[: len(ROLES)].copy()
    roles[TWINS] = np.round(roles[TWINS] + p.T[len(ROLES) :], ROUND)
    return roles.T


def main_of(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (blocks,) of belonging to the main text, from those of classes."""
    main: NDArray[np.float64] = np.round(p[:, MAIN].sum(axis=1), ROUND)
    return main


def decide(p: NDArray[np.float64], words: NDArray[np.float64]) -> Ints:
    """Numbers of classes, shape (blocks,), from probabilities (blocks, classes) and words per block.

    Of what is told, the likeliest class, so entries stay what they are; of the rest, the likeliest other role.
    """
    main = main_of(p)
    inside = story(main, words)
    within = np.array(MAIN)[p[:, MAIN].argmax(axis=1)]
    roles, told = by_role(p), np.round(p[:, SUBTITLE] + main, ROUND)
    if native.net is not None:
        chosen = np.empty(len(p), dtype=np.int64)
        rules = MAIN[0], MAIN[1], TITLE, SUBTITLE, TITLE_AT, OTHER_TITLE_AT, TOLD_AT, WEIGHT_OUTSIDE
        native.net.roles(roles, told, inside.view(np.uint8), within, *rules, chosen)
        return chosen
    outside = WEIGHT_OUTSIDE * roles
    outside[:, MAIN[:2]] = -1.0
    outside[told < TOLD_AT, SUBTITLE] = -1.0
    outside[:, TITLE] = _one_title(np.where(inside, 0.0, p[:, TITLE]))
    classes: Ints = np.where(inside, within, outside.argmax(axis=1))
    return classes


def _doubted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities nearer to one half."""
    sure = np.clip(p, 10.0**-ROUND, 1 - 10.0**-ROUND)
    doubted: NDArray[np.float64] = np.round(1 / (1 + (1 / sure - 1) ** PAGE_DOUBT), ROUND)
    return doubted


def _one_title(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The titles' probabilities: beyond all others for the likeliest and those that are sure, none for the rest."""
    result = np.where(p >= OTHER_TITLE_AT, inf, -1.0)
    best = int(p.argmax())
    result[best] = inf if p[best] >= TITLE_AT else p[best]
    return result


def story(p: NDArray[np.float64], words: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The blocks that make up the story, from their probabilities of being in it and their words."""
    inside, f1 = likeliest(p, words)
    if _is_unclear(p, words, inside, f1, PLAIN):
        inside, _ = likeliest(_doubted(p), words)
    return inside


def _is_unclear(
    p: NDArray[np.float64], words: NDArray[np.float64], inside: NDArray[np.bool_], f1: float, plain: Plain
) -> bool:
    """Whether there is a story, and it is not plain."""
    return f1 < plain.f1 and _expects_some(p, words) and _sure_share(p, words, inside) < plain.share


def _sure_share(p: NDArray[np.float64], words: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """Which share of the words of a story is expected to belong to it."""
    return round(float((p * words)[inside].sum() / max(words[inside].sum(), 1e-9)), ROUND + 2)


def _expects_some(p: NDArray[np.float64], words: NDArray[np.float64]) -> bool:
    """Whether there is some story. Where there is none, doubt makes one up, and so do other nets."""
    return float((p * words).sum()) >= SOME_WORDS


def likeliest(p: NDArray[np.float64], words: NDArray[np.float64]) -> tuple[NDArray[np.bool_], float]:
    """The set of blocks with the highest expected word F1, a prefix of the blocks sorted by probability, and that F1."""
    total = float((p * words).sum())
    inside, f1 = _best_prefix(p, words, total)
    if total < STORY_WORDS:
        inside &= p >= 0.5
    return inside, f1


def _best_prefix(p: NDArray[np.float64], words: NDArray[np.float64], total: float) -> tuple[NDArray[np.bool_], float]:
    inside = np.zeros(len(p), dtype=bool)
    if native.net is not None:
        return inside, native.net.likeliest(p, words, total, 10.0 ** (ROUND + 2), inside.view(np.uint8))
    order = np.argsort(-p, kind="stable")
    gain, size = np.cumsum((p * words)[order]), np.cumsum(words[order])
    f1 = np.round(2 * gain / np.maximum(size + total, 1e-9), ROUND + 2)
    keep = int(np.argmax(f1))
    inside[order[: keep + 1]] = True
    return inside, float(f1[keep])


def words_per_block(facts: Features) -> NDArray[np.float64]:
    """Words as `features` counts them: whole ones, and halves where two characters count as one."""
    words: NDArray[np.float64] = np.expm1(facts.dense[:, DENSE.index("words")].astype(np.float64) * 3)
    return np.round(2 * words) / 2


def standardise(dense: Floats, weights: Weights) -> Floats:
    """Facts as the net sees them: zero mean, unit spread, outliers cut."""
    if native.net is None:
        result: Floats = np.clip((dense - weights.mean) * weights.scale, -OUTLIER, OUTLIER)
        return result
    result = np.empty_like(dense)
    native.net.standardise(dense, weights.mean, weights.scale, OUTLIER, result)
    return result


def _run_unmarked(blocks: Sequence[Block], weights: Weights) -> Floats:
    """Logits of a page with markup, read by a net for flattened text as if it were some."""
    return run(features(blocks, None), weights)


def agreed(
    nets: Sequence[Callable[[], Floats]], temperature: float, words: NDArray[np.float64], at_once: bool
) -> NDArray[np.float64]:
    """Probabilities (blocks, classes) by the nets' mean logits: all of them `at_once`, or one more while they are not sure.

    Each net is asked for its logits at most once.
    """
    logits = [ask() for ask in (nets if at_once else nets[:1])]
    p = probabilities(logits, temperature)
    for ask, plain in zip(nets[len(logits) :], () if at_once else PLAIN_TO, strict=True):
        main = main_of(p)
        if not _is_unclear(main, words, *likeliest(main, words), plain):
            break
        logits.append(ask())
        p = probabilities(logits, temperature)
    return p


def probabilities(logits: Sequence[Floats], temperature: float) -> NDArray[np.float64]:
    """(blocks, classes), rounded, of the mean logits of several nets; rows sum to one but for the rounding."""
    # Class by class, so that every step runs over all blocks at once.
    p = logits[0].T.astype(np.float64, order="C")
    for more in logits[1:]:
        p += more.T
    p /= temperature * len(logits)
    p -= p.max(axis=0)
    np.exp(p, out=p)
    p /= p.sum(axis=0)
    return np.round(p, ROUND, out=p).T


@one_thread
def run(facts: Features, weights: Weights) -> Floats:
    """Logits, float32 (blocks, classes)."""
    first = np.empty((len(facts.dense), weights.enter.shape[1]), dtype=np.float32)
    for low in range(0, len(first), BLOCKS_AT_ONCE):
        rows = slice(low, low + BLOCKS_AT_ONCE)
        np.matmul(_entering(facts, rows, weights), weights.enter, out=first[rows])
    _activate(first, weights.enter_bias)
    state = first.copy()
    for kernel, bias, dilation in zip(weights.convs, weights.conv_biases, weights.dilations.tolist(), strict=True):
        _add_activated(state, _taps(state, dilation) @ kernel, bias)
    summary = np.concatenate([state.mean(axis=0), state.max(axis=0)])
    company = _company(state, facts.groups) @ weights.company
    state += _activate(summary @ weights.page, weights.page_bias)
    _add_activated(state, company, weights.company_bias)
    state = _activate(np.concatenate([state, first], axis=1) @ weights.leave, weights.leave_bias)
    logits: Floats = state @ weights.out + weights.out_bias
    return logits


def _entering(facts: Features, rows: slice, weights: Weights) -> Floats:
    """What the net reads of some blocks: their facts, these once more by bins, and the embeddings of words and path."""
    dense, around = facts.dense[rows], slice(rows.start, rows.stop + 1)
    bags = (
        (weights.words, facts.words, facts.word_starts[around]),
        (weights.paths, facts.paths, facts.path_starts[around]),
    )
    bins = weights.bin_facts, weights.bin_starts, weights.bin_scales
    if native.net is None:
        standard = standardise(dense, weights)
        return np.concatenate([standard, _bins(standard, *bins), *(_bags(*bag) for bag in bags)], axis=1)
    at = dense.shape[1]
    width = dense.shape[1] + len(weights.bin_facts) + weights.words.shape[1] + weights.paths.shape[1]
    entering = np.empty((len(dense), width), dtype=np.float32)
    native.net.standardise(dense, weights.mean, weights.scale, OUTLIER, entering)
    native.net.bins(entering, *bins, at)
    at += len(weights.bin_facts)
    for table, tokens, starts in bags:
        native.net.bags(table, tokens, starts, entering, at)
        at += table.shape[1]
    return entering


def _bins(standard: Floats, facts: Ints, starts: Floats, scales: Floats) -> Floats:
    """How far a fact has come through each of its bins, from -1/2 (not there yet) to 1/2 (past it): (blocks, bins).

    What a net of few layers reads of a number as it is, it reads better of bins (piecewise linear encoding, Gorishniy et al. 2022).
    """
    through: Floats = np.clip((standard[:, facts] - starts) * scales, 0, 1) - np.float32(0.5)
    return through


def _bags(table: Floats, tokens: Ints, starts: Ints) -> Floats:
    """Mean embedding of each block's tokens, zero where it has none; added one by one, in order."""
    sizes = np.diff(starts)
    bags = np.zeros((len(sizes), table.shape[1]), dtype=np.float32)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    np.add.at(bags, owners, np.take(table, tokens[starts[0] : starts[-1]], axis=0))
    filled = sizes > 0
    bags[filled] = bags[filled] / sizes[filled][:, None]
    return bags


def _taps(state: Floats, dilation: int) -> Floats:
    """What a width-three convolution sees at each block: (blocks, 3 w); beyond the page's ends there is nothing."""
    n, width = state.shape
    if native.net is not None:
        seen = np.empty((n, 3 * width), dtype=np.float32)
        native.net.taps(state, dilation, seen)
        return seen
    seen = np.zeros((n, 3 * width), dtype=np.float32)
    seen[dilation:, :width] = state[: max(n - dilation, 0)]
    seen[:, width : 2 * width] = state
    seen[: max(n - dilation, 0), 2 * width :] = state[dilation:]
    return seen


def _company(state: Floats, groups: Ints) -> Floats:
    """A block's state, and the means of it and those before it, after it, and in each of its groups: (blocks, (3 + kinds) w)."""
    if native.net is not None:
        n, width = state.shape
        company = np.empty((n, (3 + len(groups)) * width), dtype=np.float32)
        room = int(groups.max()) + 1
        means, sizes = np.empty((room, width), dtype=np.float32), np.empty(room, dtype=np.int64)
        native.net.company(state, groups, means, sizes, company)
        return company
    count = np.arange(1, len(state) + 1, dtype=np.float32)[:, None]
    sums = np.cumsum(state, axis=0)
    before, after = sums / count, (sums[-1] - sums + state) / count[::-1]
    return np.concatenate([state, before, after, *(_means(state, group)[group] for group in groups)], axis=1)


def _means(state: Floats, group: Ints) -> Floats:
    """Mean state of each group of blocks, (groups, width); groups are numbered without gaps."""
    sizes = np.bincount(group)
    means = np.zeros((len(sizes), state.shape[1]), dtype=np.float32)
    # Added one by one, in order.
    np.add.at(means, group, state)
    means /= sizes[:, None].astype(np.float32)
    return means


def _activate(values: Floats, bias: Floats) -> Floats:
    """Bias added and negative values cut, in place."""
    values += bias
    np.maximum(values, 0, out=values)
    return values


def _add_activated(state: Floats, values: Floats, bias: Floats) -> None:
    """As `_activate`, then added to a state in place."""
    if native.net is None:
        state += _activate(values, bias)
    else:
        native.net.activate(values, bias, state)


@cache
def load(path: str, shipped: str) -> tuple[Weights, ...]:
    """The nets of a weights file, or of the one that comes with presscut; read once a process, which from then on keeps some memory.

    Raises `SettingsError`.
    """
    keep_memory()
    name = path or shipped
    try:
        with np.load(path or str(_shipped(shipped)), allow_pickle=False) as arrays:
            found = {field: arrays[field] for field in Weights._fields}
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise SettingsError(f"{name}: not a weights file of this version of presscut ({error})") from None
    facts = found["mean"].shape[1] if found["mean"].ndim == 2 else 0
    if facts != len(DENSE):
        raise SettingsError(f"{name}: made for {facts} facts a block, this version has {len(DENSE)}")
    if len(found["mean"]) != NETS:
        raise SettingsError(f"{name}: holds {len(found['mean'])} nets, this version reads {NETS}")
    for field, shape in _shapes(found).items():
        if found[field].shape != shape:
            raise SettingsError(f"{name}: {field} is {found[field].shape}, and {shape} would fit the rest")
        if found[field].dtype.kind not in "fi" or not np.isfinite(found[field]).all():
            raise SettingsError(f"{name}: {field} holds numbers that are none")
    if not ((found["bin_facts"] >= 0) & (found["bin_facts"] < facts)).all():
        raise SettingsError(f"{name}: has bins of facts that it does not have")
    if (found["dilations"] < 1).any() or (found["temperature"] <= 0).any():
        raise SettingsError(f"{name}: dilations and temperature have to be above nought")
    kinds = dict.fromkeys(("dilations", "bin_facts"), np.int64)
    found = {field: np.ascontiguousarray(array, dtype=kinds.get(field, np.float32)) for field, array in found.items()}
    return tuple(Weights(**{field: array[net] for field, array in found.items()}) for net in range(len(found["mean"])))


def _shapes(found: Mapping[str, NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    """What the arrays of a weights file have to be like to fit each other; sizes that are free are read off one of them."""
    bins, words, paths, width, layers = (
        (0, *found[field].shape)[-1] for field in ("bin_facts", "words", "paths", "enter", "dilations")
    )
    facts, classes = len(DENSE), len(CLASSES)
    shapes = {
        "mean": (facts,), "scale": (facts,), "bin_facts": (bins,), "bin_starts": (bins,), "bin_scales": (bins,),
        "words": (WORD_BUCKETS, words), "paths": (PATH_BUCKETS, paths),
        "enter": (facts + bins + words + paths, width), "enter_bias": (width,),
        "convs": (layers, 3 * width, width), "conv_biases": (layers, width), "dilations": (layers,),
        "page": (2 * width, width), "page_bias": (width,),
        "company": ((3 + GROUP_KINDS) * width, width), "company_bias": (width,),
        "leave": (2 * width, width), "leave_bias": (width,), "out": (width, classes), "out_bias": (classes,),
        "temperature": (1,), "surrogate": (facts, classes),
    }  # fmt: skip
    return {field: (NETS, *shape) for field, shape in shapes.items()}


def _shipped(kind: str) -> object:
    return files("pipeline") / "data" / "labeller" / f"{kind}.npz"


def weights_digest(settings: LabelSettings) -> str:
    """Names the content of the weights files that the settings name; those that come with presscut are part of its code."""
    digest = sha256()
    for path in settings:
        digest.update(b"\0")
        with suppress(OSError):
            digest.update(Path(path).read_bytes() if path else b"")
    return digest.hexdigest()
