"""The default engine: one page's blocks, cheap look first, models where the evidence deviates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline import language_engines as engines
from pipeline.language_codes import canonical
from pipeline.language_spans import Piece, cheapest_labels, cut_into_pieces, letters_of, main_script
from pipeline.language_tokens import (
    CAPITALISED,
    CUT_AFTER,
    CUT_BEFORE,
    DIGITS,
    LOWER_CASE,
    WEAK,
    WORD,
    TokenTable,
    token_table,
)
from pipeline.model import Span
from pipeline.scripts import BIT, SCRIPT_LANGUAGE, SCRIPTS, SHARED_SCRIPTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SHARED = sum(BIT[script] for script in SHARED_SCRIPTS)
_AMBIGUOUS = np.array([BIT[script] for script in (*SHARED_SCRIPTS, "Beng")])
_SETTLED = {BIT[script]: language for script, language in SCRIPT_LANGUAGE.items() if script != "Beng"}
_JAPANESE = BIT["Hani"] | BIT["Kana"]
_KOREAN = BIT["Hani"] | BIT["Hang"]


# Where at least this share of 3 to 25 words is capitalised, names may mislead: the lower-case words are read again ...
NAMES_FROM = 0.34
# ... and count for the share of the others, at most this.
NAMES_AT_MOST = 0.75


@dataclass(frozen=True)
class LanguageSettings:
    """How languages are told apart. All values are visible here; none is read from the environment."""

    engine: str = "default"
    """``default`` (the pool), ``langdetect``, or ``fasttext`` (an extra)."""
    weights: str = ""
    """Folder with ``model.npz`` and ``pool.json``; empty for the ones shipped."""
    und_below: float = 0.15
    """A span less sure than this is ``und``."""
    prior_floor: float = 0.005
    """Chance the page's mix leaves to every language that is not on it: smaller trusts the page more."""
    neighbour_weight: float = 0.5
    """What the two blocks on each side count, beside 1 for the page; 0 leaves them out."""
    hint_weight: float = 0.25
    """What the page's own ``lang`` attribute counts, beside 1 for the page."""
    context: bool = True
    """False reads every block alone."""
    settle_at: float = 0.98
    """A block this sure after the cheap look is not read by the models."""
    context_letters: int = 200
    """The cheap look settles nothing unless the rest of the page has this many letters."""
    name_evidence: float = 0.35
    """What a block that is only a name keeps of its own evidence (Latin letters say where a name is from)."""
    switch_cost: float = 6.0
    """Nats of evidence that a change of language inside a block must bring."""


class PageReading(NamedTuple):
    """The blocks that hold tokens, added up. Arrays are by such block unless they say otherwise."""

    number: Ints
    """Index among all blocks."""
    first_piece: Ints
    vectors: Ints
    letters: Ints
    scripts: Ints
    """Script mask."""
    name_like: npt.NDArray[np.bool_]
    wordless: npt.NDArray[np.bool_]
    """Numbers, codes, addresses: nothing to tell a language by."""
    piece_vectors: Ints
    """(pieces, ...)"""
    piece_letters: Ints
    """(pieces,)"""


class _Answer(NamedTuple):
    """What is known of one block before its spans are written."""

    pieces: list[Piece]
    letters: list[int]
    alone: Floats
    """(pieces, languages) log-probabilities without context."""
    evidence: float
    by_script: list[bool]


def read_page(blocks: Sequence[str], table: TokenTable) -> PageReading | None:
    """Add up the token readings; None when there is no token at all."""
    split = [block.split() for block in blocks]
    counts = np.array([len(tokens) for tokens in split], dtype=np.int64)
    number = np.flatnonzero(counts)
    if not len(number):
        return None
    readings = table.read(list(chain.from_iterable(split)))
    letters, flags = readings.meta[:, 0], readings.meta[:, 1]
    block_starts = (np.cumsum(counts) - counts)[number]
    cut = flags & CUT_BEFORE > 0
    cut[1:] |= flags[:-1] & CUT_AFTER > 0
    cut[block_starts] = True
    piece_starts = np.flatnonzero(cut)
    pieces = np.add.reduceat(readings.vectors, piece_starts, axis=0)
    piece_letters = np.add.reduceat(letters, piece_starts)
    first_piece = np.searchsorted(piece_starts, block_starts)
    facts = np.stack(
        [
            flags & WORD > 0,
            flags & (CAPITALISED | LOWER_CASE | WEAK) == CAPITALISED,
            flags & (WEAK | WORD) == WEAK | WORD,
            flags & DIGITS > 0,
            flags & (WEAK | WORD) == WORD,
        ]
    )
    words, named, weak, digits, real = np.add.reduceat(facts, block_starts, axis=1, dtype=np.int64)
    block_letters = np.add.reduceat(piece_letters, first_piece)
    return PageReading(
        number,
        first_piece,
        np.add.reduceat(pieces, first_piece, axis=0),
        block_letters,
        np.bitwise_or.reduceat(readings.meta[:, 2], block_starts),
        ((words == named) & (words >= 2) & (words <= 4)) | ((words == 1) & (weak == 1)),
        (block_letters < 2) | ((real == 0) & (digits > 0)),
        pieces,
        piece_letters,
    )


def tag_page(blocks: Sequence[str], settings: LanguageSettings, hints: Sequence[str | None] | None) -> list[list[Span]]:
    """The spans of every block."""
    model = engines.load_model(settings.weights)
    table = token_table(model.table)
    page = read_page(blocks, table)
    if page is None:
        return [_wordless(block) for block in blocks]
    return _Page(blocks, page, model, table, settings, hints).tag()


def _wordless(block: str, script: str = "Zyyy") -> list[Span]:
    return [Span(0, len(block), "und", 1.0, "", script, "none", "und")] if block else []


class _Page:
    """One call's working values; nothing of it outlives the call."""

    def __init__(
        self,
        blocks: Sequence[str],
        page: PageReading,
        model: engines.LanguageModel,
        table: TokenTable,
        settings: LanguageSettings,
        hints: Sequence[str | None] | None,
    ) -> None:
        self.blocks, self.page, self.model, self.table, self.settings = blocks, page, model, table, settings
        self.languages, self.at = _all_languages(model.languages)
        self.size = len(self.languages)
        self.hints = self._hints(hints)

    def tag(self) -> list[list[Span]]:
        spans = [_wordless(block) for block in self.blocks]
        page = self.page
        for row in np.flatnonzero(page.wordless).tolist():
            index = int(page.number[row])
            spans[index] = _wordless(self.blocks[index], main_script(int(page.scripts[row])))
        settled = self._settle_by_script(spans)
        if self.settings.context and page.letters.sum() - page.letters.min() >= self.settings.context_letters:
            alone, pieces_alone = self._cheap_look()
            settled |= self._settle_by_agreement(alone, pieces_alone, spans)
        else:
            alone = self._by_script(page.scripts)
        posteriors = np.exp(alone)
        rest = np.flatnonzero(~settled & ~page.wordless).tolist()
        if rest:
            answers = self._read_with_models(rest)
            for row, answer in zip(rest, answers, strict=True):
                weights = np.array(answer.letters, dtype=np.float64)[:, None] + 1e-9
                posteriors[row] = (np.exp(answer.alone) * weights).sum(axis=0) / weights.sum()
            mix = self._mix(posteriors)
            around = self._neighbours(posteriors)
            for row, answer in zip(rest, answers, strict=True):
                prior = mix[row] + self.settings.neighbour_weight * around[row]
                spans[int(page.number[row])] = self._write(row, answer, prior)
        return spans

    # --- the cheap look

    def _cheap_look(self) -> tuple[Floats, Floats]:
        """Log-probabilities of blocks and of pieces, by script or by the small model alone."""
        page = self.page
        vectors = np.concatenate([page.vectors, page.piece_vectors])
        letters = np.concatenate([page.letters, page.piece_letters])
        owners = np.repeat(np.arange(len(page.number)), _piece_counts(page))
        scripts = np.concatenate([page.scripts, page.scripts[owners]])
        logs = self._by_script(scripts)
        rows = np.flatnonzero(np.isin(scripts, _AMBIGUOUS))
        if len(rows):
            numbers = [int(mask).bit_length() - 1 for mask in scripts[rows].tolist()]
            logs[rows] = engines.IMPOSSIBLE
            logs[rows, : len(self.model.languages)] = engines.cheap(vectors[rows], letters[rows], numbers, self.model)
        return logs[: len(page.vectors)], logs[len(page.vectors) :]

    def _by_script(self, scripts: Ints) -> Floats:
        """(masks, languages): certain where the script settles it, flat where it does not."""
        logs = np.full((len(scripts), self.size), -np.log(self.size))
        for row, mask in enumerate(scripts.tolist()):
            language = _settled_by(mask)
            if language:
                logs[row] = engines.IMPOSSIBLE
                logs[row, self.at[language]] = 0.0
        return logs

    def _settle_by_script(self, spans: list[list[Span]]) -> npt.NDArray[np.bool_]:
        """Write the spans of the blocks whose script leaves no choice; which ones they were."""
        page = self.page
        settled = np.zeros(len(page.number), dtype=np.bool_)
        for row, mask in enumerate(page.scripts.tolist()):
            language = _settled_by(mask)
            # Ideographs alone are Chinese or Japanese: the page decides.
            if language and language != "zh" and not page.wordless[row]:
                index = int(page.number[row])
                spans[index] = [
                    Span(0, len(self.blocks[index]), language, 1.0, "", _written_as(mask), "script", language)
                ]
                settled[row] = True
        return settled

    def _settle_by_agreement(
        self, alone: Floats, pieces_alone: Floats, spans: list[list[Span]]
    ) -> npt.NDArray[np.bool_]:
        """Write the spans of the blocks whose own evidence and the page's agree; which ones they were."""
        page, settings = self.page, self.settings
        mix = self._mix(np.exp(alone))
        prior = np.log(mix + settings.prior_floor)
        evidence = alone * np.where(page.name_like, settings.name_evidence, 1.0)[:, None]
        confidence = _softmax(evidence + prior)
        best = confidence.argmax(axis=1)
        rows = np.arange(len(best))
        top = confidence[rows, best]
        enough = page.letters.sum() - page.letters >= settings.context_letters
        sure = enough & (top >= settings.settle_at) & np.isin(page.scripts, _AMBIGUOUS) & ~page.wordless
        sure &= self._pieces_agree(pieces_alone, prior, best)
        confidence[rows, best] = -1.0
        second, by_itself = confidence.argmax(axis=1), alone.argmax(axis=1)
        without_hints = (evidence + np.log(mix - self.hints + settings.prior_floor)).argmax(axis=1)
        decided = np.where(by_itself == best, 0, np.where(without_hints == best, 1, 2)).tolist()
        names, tops = self.languages, np.round(top, 4).tolist()
        for row in np.flatnonzero(sure).tolist():
            index = int(page.number[row])
            spans[index] = [
                Span(
                    0, len(self.blocks[index]), names[best[row]], tops[row], names[second[row]],
                    main_script(int(page.scripts[row])), ("model", "prior", "markup")[decided[row]], names[by_itself[row]],
                )
            ]  # fmt: skip
        return sure

    def _pieces_agree(self, pieces_alone: Floats, prior: Floats, best: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """(blocks,): no piece of the block would rather be in another language, given the page."""
        page = self.page
        owners = np.repeat(np.arange(len(best)), _piece_counts(page))
        scores = pieces_alone + prior[owners]
        rather = scores.argmax(axis=1) != best[owners]
        return ~np.logical_or.reduceat(rather & (page.piece_letters >= 4), page.first_piece)

    # --- the page and the neighbours

    def _mix(self, posteriors: Floats) -> Floats:
        """(blocks, languages): shares of the page's letters by language, each block's own letters left out."""
        page = self.page
        weight = np.minimum(page.letters, 400) * np.where(page.name_like, 0.1, 1.0) * ~page.wordless
        part = posteriors**2 * weight[:, None]
        rest = part.sum(axis=0) - part
        total = rest.sum(axis=1, keepdims=True)
        share = np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)
        if not self.settings.context:
            share[:] = 0.0
        return share + self.hints

    def _neighbours(self, posteriors: Floats) -> Floats:
        """(blocks, languages): mean of the two blocks with words on each side."""
        around = np.zeros_like(posteriors)
        if not self.settings.context:
            return around
        rows = np.flatnonzero(~self.page.wordless)
        p = posteriors[rows]
        near, count = np.zeros_like(p), np.zeros((len(rows), 1))
        for step in (1, 2):
            near[step:] += p[:-step]
            count[step:] += 1
            near[:-step] += p[step:]
            count[:-step] += 1
        around[rows] = near / np.maximum(count, 1)
        return around

    def _hints(self, hints: Sequence[str | None] | None) -> Floats:
        given = np.zeros((len(self.page.number), self.size))
        if hints is not None:
            for row, index in enumerate(self.page.number.tolist()):
                column = self.at.get(canonical(hints[index] or ""))
                if column is not None:
                    given[row, column] = self.settings.hint_weight
        return given

    # --- the models

    def _read_with_models(self, rows: list[int]) -> list[_Answer]:
        page = self.page
        cut: list[list[Piece]] = []
        for row in rows:
            block = self.blocks[int(page.number[row])]
            script = int(page.scripts[row])
            whole = script in _SETTLED or (script in _AMBIGUOUS and not self._deviates(row))
            cut.append([Piece(0, len(block), main_script(script))] if whole else cut_into_pieces(block, self.table))
        letters = [
            letters_of(pieces, self.blocks[int(page.number[row])]) for row, pieces in zip(rows, cut, strict=True)
        ]
        texts, scripts, where = [], [], []
        for order, (row, pieces) in enumerate(zip(rows, cut, strict=True)):
            for position, piece in enumerate(pieces):
                if piece.script in SHARED_SCRIPTS or piece.script == "Beng":
                    texts.append(self.blocks[int(page.number[row])][piece.start : piece.end])
                    scripts.append(SCRIPTS.index(piece.script))
                    where.append((order, position))
        read = self._pool(texts, scripts)
        answers = []
        for order, (row, pieces) in enumerate(zip(rows, cut, strict=True)):
            logs = np.full((len(pieces), self.size), engines.IMPOSSIBLE)
            for position, piece in enumerate(pieces):
                language = SCRIPT_LANGUAGE.get(piece.script, "")
                logs[position, self.at[language] if language else slice(None)] = 0.0 if language else -np.log(self.size)
            evidence = self.settings.name_evidence if page.name_like[row] else 1.0
            by_script = [piece.script in SCRIPT_LANGUAGE and piece.script != "Beng" for piece in pieces]
            answers.append(_Answer(pieces, letters[order], logs, evidence, by_script))
        for (order, position), log in zip(where, read, strict=True):
            answers[order].alone[position] = engines.IMPOSSIBLE
            answers[order].alone[position, : len(log)] = log
        return answers

    def _deviates(self, row: int) -> bool:
        """Does any piece of the block speak against the block's own language?"""
        page = self.page
        last = page.first_piece[row + 1] if row + 1 < len(page.first_piece) else len(page.piece_letters)
        pieces = slice(int(page.first_piece[row]), int(last))
        if pieces.stop - pieces.start < 2:
            return False
        # The small model's view of the whole first, then of every piece.
        vectors = np.concatenate([page.vectors[row : row + 1], page.piece_vectors[pieces]])
        letters = np.concatenate([page.letters[row : row + 1], page.piece_letters[pieces]])
        numbers = [int(page.scripts[row]).bit_length() - 1] * len(letters)
        whole, logs = np.split(engines.cheap(vectors, letters, numbers, self.model), [1])
        best = int(whole[0].argmax())
        against = logs.max(axis=1) - logs[:, best]
        return bool(((against > 1.0) & (page.piece_letters[pieces] >= 4)).any())

    def _pool(self, texts: list[str], scripts: list[int]) -> Floats:
        """Log-probabilities of the texts; where names stand out, the lower-case words are read a second time."""
        if not texts:
            return np.zeros((0, len(self.model.languages)))
        tokens = [text.split() for text in texts]
        counts = np.array([len(found) for found in tokens])
        readings = self.table.read(list(chain.from_iterable(tokens)))
        starts = np.cumsum(counts) - counts
        letters, flags = readings.meta[:, 0], readings.meta[:, 1]
        word = flags & WORD > 0
        lower = flags & (LOWER_CASE | WORD) == LOWER_CASE | WORD
        facts = np.stack([letters, letters * lower, word, flags & CAPITALISED > 0]).astype(np.int64)
        all_letters, lower_letters, words, capitals = np.add.reduceat(facts, starts, axis=1)
        share = np.where(
            (words >= 3) & (words <= 25) & (capitals >= NAMES_FROM * words) & (lower_letters >= 2),
            np.minimum(NAMES_AT_MOST, capitals / np.maximum(words, 1)),
            0.0,
        )
        again = np.flatnonzero(share)
        vectors = np.add.reduceat(readings.vectors, starts, axis=0)
        lower_vectors = np.add.reduceat(readings.vectors * lower[:, None], starts, axis=0)[again]
        logs = engines.read_with_pool(
            [*(_joined(*pair) for pair in zip(tokens, np.split(word, starts[1:]), strict=True)),
             *(_joined(tokens[n], lower[starts[n] : starts[n] + counts[n]]) for n in again.tolist())],
            np.concatenate([vectors, lower_vectors]),
            np.concatenate([all_letters, lower_letters[again]]),
            [*scripts, *(scripts[n] for n in again.tolist())],
            self.model,
        )  # fmt: skip
        total = logs[: len(texts)]
        if len(again):
            total *= 1 - share[:, None]
            total[again] += share[again][:, None] * logs[len(texts) :]
            total = np.log(_softmax(total) + 1e-300)
        return total

    # --- writing

    def _write(self, row: int, answer: _Answer, prior: Floats) -> list[Span]:
        """The spans of one block, neighbours of one language merged."""
        settings = self.settings
        log_prior = np.log(prior + settings.prior_floor)
        without_hint = np.log(np.maximum(prior - self.hints[row], 0) + settings.prior_floor)
        scores = answer.alone * answer.evidence + log_prior
        posteriors = _softmax(scores)
        labels = self._labels(scores, answer)
        spans: list[Span] = []
        groups = _runs(labels)
        for first, last in groups:
            language = labels[first]
            pieces = answer.pieces[first : last + 1]
            weight = np.array(answer.letters[first : last + 1], dtype=np.float64) + 1e-9
            p = (posteriors[first : last + 1] * weight[:, None]).sum(axis=0) / weight.sum()
            own = (answer.alone[first : last + 1] * answer.evidence * weight[:, None]).sum(axis=0) / weight.sum()
            spans.append(
                self._span(pieces, language, p, own, own + without_hint, all(answer.by_script[first : last + 1]))
            )
        return _merge(spans)

    def _labels(self, scores: Floats, answer: _Answer) -> list[int]:
        if len(scores) == 1:
            return [int(scores[0].argmax())]
        weight = np.clip(np.array(answer.letters, dtype=np.float64) / 24, 0.15, 2.0)
        weight[np.array(answer.letters) == 0] = 0.0
        columns = np.unique(scores.argmax(axis=1))
        emissions = np.maximum(scores - scores.max(axis=1, keepdims=True), -15.0)[:, columns] * weight[:, None]
        # A script's own language is beyond any cost of switching.
        emissions[np.array(answer.by_script)] *= 100
        return [int(columns[label]) for label in cheapest_labels(emissions, self.settings.switch_cost)]

    def _span(
        self, pieces: list[Piece], label: int, p: Floats, own: Floats, without_hint: Floats, by_script: bool
    ) -> Span:
        language, confidence = self.languages[label], float(round(float(p[label]), 4))
        others = p.copy()
        others[label] = -1.0
        runner_up = int(others.argmax())
        second = self.languages[runner_up] if others[runner_up] > 1e-4 else ""
        alone = self.languages[int(own.argmax())]
        if float(_softmax(own[None])[0].max()) < self.settings.und_below:
            alone = "und"
        if by_script and alone == language:
            decided = "script"
        elif alone == language:
            decided = "model"
        else:
            decided = "prior" if int(without_hint.argmax()) == label else "markup"
        if confidence < self.settings.und_below:
            language, second, decided = "und", language, "none"
        script = next((piece.script for piece in pieces if piece.script != "Zyyy"), "Zyyy")
        if script == "Kana":
            script = "Jpan"
        elif script == "Hang":
            script = "Kore"
        return Span(pieces[0].start, pieces[-1].end, language, confidence, second, script, decided, alone)


def _piece_counts(page: PageReading) -> Ints:
    return np.diff(page.first_piece, append=len(page.piece_letters))


@cache
def _all_languages(model: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The model's languages and those that a script settles, and the column of each."""
    languages = (*model, *sorted(set(SCRIPT_LANGUAGE.values()) - set(model)))
    return languages, {language: column for column, language in enumerate(languages)}


@cache
def _settled_by(script: int) -> str:
    """The language that a script mask settles, empty when it settles none."""
    if script in _SETTLED:
        return _SETTLED[script]
    if script == _JAPANESE:
        return "ja"
    return "ko" if script == _KOREAN else ""


def _written_as(script: int) -> str:
    if script in (_JAPANESE, BIT["Kana"]):
        return "Jpan"
    return "Kore" if script in (_KOREAN, BIT["Hang"]) else main_script(script)


def _joined(tokens: Sequence[str], keep: npt.NDArray[np.bool_]) -> str:
    return " ".join([token for token, kept in zip(tokens, keep.tolist(), strict=True) if kept])


def _runs(labels: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of every stretch of equal labels."""
    borders = [0, *(n for n in range(1, len(labels)) if labels[n] != labels[n - 1]), len(labels)]
    return [(start, end - 1) for start, end in zip(borders, borders[1:], strict=False)]


def _merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].language == span.language:
            merged[-1] = merged[-1]._replace(end=span.end)
        else:
            merged.append(span)
    return merged


def _softmax(scores: Floats) -> Floats:
    p: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p
