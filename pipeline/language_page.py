"""The default engine: one page's blocks, cheap look first, models where the evidence deviates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from pipeline.scripts import BIT, SCRIPT_LANGUAGE, SHARED_SCRIPTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SHARED = sum(BIT[script] for script in SHARED_SCRIPTS)
_AMBIGUOUS = frozenset(BIT[script] for script in (*SHARED_SCRIPTS, "Beng"))
_SETTLED = {BIT[script]: language for script, language in SCRIPT_LANGUAGE.items() if script != "Beng"}
_JAPANESE = BIT["Hani"] | BIT["Kana"]
_KOREAN = BIT["Hani"] | BIT["Hang"]


@dataclass(frozen=True)
class LanguageSettings:
    """How languages are told apart. All values are visible here; none is read from the environment."""

    engine: str = "default"
    """``default`` (the pool), ``langdetect``, or ``fasttext`` (an extra)."""
    weights: str = ""
    """Folder with ``model.npz`` and ``pool.json``; empty for the ones shipped."""
    und_below: float = 0.3
    """A span less sure than this is ``und``."""
    prior_floor: float = 0.02
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
    words, named, weak, lower, digits, real = (
        np.add.reduceat(mask.astype(np.int64), block_starts)
        for mask in (
            flags & WORD > 0,
            flags & (CAPITALISED | LOWER_CASE | WEAK) == CAPITALISED,
            flags & (WEAK | WORD) == WEAK | WORD,
            flags & LOWER_CASE > 0,
            flags & DIGITS > 0,
            flags & (WEAK | WORD) == WORD,
        )
    )
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
        self.languages = [*model.languages, *sorted(set(SCRIPT_LANGUAGE.values()) - set(model.languages))]
        self.at = {language: column for column, language in enumerate(self.languages)}
        self.size = len(self.languages)
        self.hints = self._hints(hints)

    def tag(self) -> list[list[Span]]:
        spans = [_wordless(block) for block in self.blocks]
        page = self.page
        for row in np.flatnonzero(page.wordless).tolist():
            index = int(page.number[row])
            spans[index] = _wordless(self.blocks[index], main_script(int(page.scripts[row])))
        alone, pieces_alone = self._cheap_look()
        posteriors = np.exp(alone)
        settled = self._settle(alone, pieces_alone, posteriors, spans)
        rest = np.flatnonzero(~settled & ~page.wordless).tolist()
        if rest:
            answers = self._read_with_models(rest, alone)
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
        owners = np.repeat(np.arange(len(page.number)), np.diff(np.append(page.first_piece, len(page.piece_letters))))
        scripts = np.concatenate([page.scripts, page.scripts[owners]])
        logs = np.full((len(vectors), self.size), engines.IMPOSSIBLE)
        for script in np.unique(scripts).tolist():
            rows = np.flatnonzero(scripts == script)
            if script in _AMBIGUOUS:
                logs[rows, : len(self.model.languages)] = engines.cheap(
                    vectors[rows], letters[rows], script, self.model
                )
            else:
                logs[rows, self.at[_settled_by(script)] if _settled_by(script) else slice(None)] = (
                    0.0 if _settled_by(script) else -np.log(self.size)
                )
        return logs[: len(page.vectors)], logs[len(page.vectors) :]

    def _settle(
        self, alone: Floats, pieces_alone: Floats, posteriors: Floats, spans: list[list[Span]]
    ) -> npt.NDArray[np.bool_]:
        """Write the spans of the blocks that are sure already; which ones they were."""
        page, settings = self.page, self.settings
        by_script = np.array([_settled_by(script) not in ("", "zh") for script in page.scripts.tolist()])
        enough = page.letters.sum() - page.letters >= settings.context_letters
        prior = np.log(self._mix(posteriors) + settings.prior_floor)
        scores = alone * np.where(page.name_like, settings.name_evidence, 1.0)[:, None] + prior
        confidence = _softmax(scores)
        best = confidence.argmax(axis=1)
        rows = np.arange(len(best))
        owners = np.repeat(rows, np.diff(np.append(page.first_piece, len(page.piece_letters))))
        piece_scores = _softmax(pieces_alone + prior[owners])
        agreeing = (piece_scores[np.arange(len(owners)), best[owners]] >= 0.5) | (page.piece_letters < 4)
        agreed = np.logical_and.reduceat(agreeing, page.first_piece)
        ambiguous = np.isin(page.scripts, list(_AMBIGUOUS))
        sure = ambiguous & enough & agreed & (confidence[rows, best] >= settings.settle_at) & settings.context
        settled = (sure | by_script) & ~page.wordless
        first_alone = alone.argmax(axis=1)
        top = np.round(confidence[rows, best], 4)
        confidence[rows, best] = -1.0
        second = confidence.argmax(axis=1)
        names = self.languages
        for row in np.flatnonzero(settled).tolist():
            index = int(page.number[row])
            length = len(self.blocks[index])
            script = main_script(int(page.scripts[row]))
            if by_script[row]:
                language = _settled_by(int(page.scripts[row]))
                script = _written_as(int(page.scripts[row]))
                spans[index] = [Span(0, length, language, 1.0, "", script, "script", language)]
                continue
            language, by_itself = names[best[row]], names[first_alone[row]]
            decided = "model" if language == by_itself else "prior"
            spans[index] = [Span(0, length, language, float(top[row]), names[second[row]], script, decided, by_itself)]
        return settled

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

    def _read_with_models(self, rows: list[int], cheap: Floats) -> list[_Answer]:
        page = self.page
        cut: list[list[Piece]] = []
        for row in rows:
            block = self.blocks[int(page.number[row])]
            script = int(page.scripts[row])
            whole = script in _SETTLED or (script in _AMBIGUOUS and not self._deviates(row, cheap))
            cut.append([Piece(0, len(block), main_script(script))] if whole else cut_into_pieces(block, self.table))
        letters = [
            letters_of(pieces, self.blocks[int(page.number[row])]) for row, pieces in zip(rows, cut, strict=True)
        ]
        texts, bits, where = [], [], []
        for order, (row, pieces) in enumerate(zip(rows, cut, strict=True)):
            for position, piece in enumerate(pieces):
                if piece.script in SHARED_SCRIPTS or piece.script == "Beng":
                    texts.append(self.blocks[int(page.number[row])][piece.start : piece.end])
                    bits.append(BIT[piece.script])
                    where.append((order, position))
        read = self._pool(texts, bits)
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

    def _deviates(self, row: int, cheap: Floats) -> bool:
        """Does any piece of the block speak against the block's own language?"""
        page = self.page
        last = page.first_piece[row + 1] if row + 1 < len(page.first_piece) else len(page.piece_letters)
        pieces = slice(int(page.first_piece[row]), int(last))
        if pieces.stop - pieces.start < 2:
            return False
        script = int(page.scripts[row])
        logs = engines.cheap(page.piece_vectors[pieces], page.piece_letters[pieces], script, self.model)
        best = int(cheap[row].argmax())
        against = logs.max(axis=1) - logs[:, best]
        return bool(((against > 1.0) & (page.piece_letters[pieces] >= 4)).any())

    def _pool(self, texts: list[str], scripts: list[int]) -> Floats:
        """Log-probabilities of the texts; where names stand out, the lower-case words are read a second time."""
        if not texts:
            return np.zeros((0, len(self.model.languages)))
        tokens = [text.split() for text in texts]
        readings = [self.table.read(found) for found in tokens]
        jobs: list[tuple[int, float, str, Ints, int]] = []
        for number, (found, reading) in enumerate(zip(tokens, readings, strict=True)):
            flags, letters = reading.meta[:, 1], reading.meta[:, 0]
            words = flags & WORD > 0
            masked = self._without_names(found, flags, letters, words)
            share = masked[0] if masked else 0.0
            whole = " ".join(token for token, word in zip(found, words.tolist(), strict=True) if word)
            jobs.append((number, 1.0 - share, whole, reading.vectors.sum(axis=0), int(letters.sum())))
            if masked:
                lower = masked[1]
                text = " ".join(token for token, keep in zip(found, lower.tolist(), strict=True) if keep)
                jobs.append((number, share, text, reading.vectors[lower].sum(axis=0), int(letters[lower].sum())))
        bits = [scripts[job[0]] for job in jobs]
        logs = engines.read_with_pool([job[2] for job in jobs], np.array([job[3] for job in jobs]),
                                      [job[4] for job in jobs], bits, self.model)  # fmt: skip
        total = np.zeros((len(texts), logs.shape[1]))
        for job, log in zip(jobs, logs, strict=True):
            total[job[0]] += job[1] * log
        return np.log(_softmax(total) + 1e-300)

    def _without_names(
        self, tokens: list[str], flags: Ints, letters: Ints, words: npt.NDArray[np.bool_]
    ) -> tuple[float, npt.NDArray[np.bool_]] | None:
        """(share of capitalised words, which words are lower case) where names may mislead, else None."""
        count = int(words.sum())
        if not 3 <= count <= 25:
            return None
        capital = int((flags & CAPITALISED > 0).sum())
        lower = flags & (LOWER_CASE | WORD) == LOWER_CASE | WORD
        if capital < 0.34 * count or int(letters[lower].sum()) < 2:
            return None
        return min(0.75, capital / count), lower

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
