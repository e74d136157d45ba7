"""The default engine: one page's blocks, a cheap look first, models where the evidence deviates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline import language_engines as engines
from pipeline.language_codes import canonical
from pipeline.language_look import TENTHS, Asked, Pieces, mix_of
from pipeline.language_look import DOUBTED_LETTERS, SHARE_BITS, SHARE_ONE
from pipeline.language_numbers import NEVER, TICKS, Floats, Ints
from pipeline.language_reading import PageReading, Reads, reader
from pipeline.language_settings import LanguageSettings
from pipeline.language_spans import Piece, cheapest_labels, cut_into_pieces, letters_of, main_script
from pipeline.model import Span
from pipeline.scripts import BIT, SCRIPT_LANGUAGE, SCRIPTS, SHARED_SCRIPTS

_AMBIGUOUS = {BIT[script]: SCRIPTS.index(script) for script in (*SHARED_SCRIPTS, "Beng")}
_SETTLED = {BIT[script]: language for script, language in SCRIPT_LANGUAGE.items() if script != "Beng"}
_DECIDED = ("model", "prior", "markup")
# Kana and hangul name the whole writing system they are used in.
_SCRIPT_NAMES = {"Kana": "Jpan", "Hang": "Kore"}
_JAPANESE = BIT["Hani"] | BIT["Kana"]
_KOREAN = BIT["Hani"] | BIT["Hang"]
_IMPOSSIBLE = NEVER / TICKS
# However long the page, a language that is not on it keeps this chance.
_SMALLEST_FLOOR = 0.0004
# Nats by which every further ideograph without kana beside it speaks against Japanese.
KANA_EXPECTED = 0.5
# A block with this many letters and few names may be settled without the page.
CLEAR_LETTERS = 30
# A page this long may be called monotonous, see `language_look`.
MONOTONOUS_BLOCKS = 40


class _Answer(NamedTuple):
    """What the models say of one block before its spans are written."""

    row: int
    pieces: list[Piece]
    letters: list[int]
    alone: Floats
    """(pieces, languages) log-probabilities without context."""
    by_script: list[bool]


def tag_page(blocks: Sequence[str], settings: LanguageSettings, hints: Sequence[str | None] | None) -> list[list[Span]]:
    """The spans of every block."""
    model = engines.load_model(settings.weights)
    return _Page(blocks, model, settings, hints).tag() if blocks else []


class _Page:
    """One call's working values; nothing of it outlives the call.

    Rows are distinct blocks (with distinct hints): the lines of a menu stand on a page twice, and are read once.
    """

    def __init__(
        self,
        blocks: Sequence[str],
        model: engines.LanguageModel,
        settings: LanguageSettings,
        hints: Sequence[str | None] | None,
    ) -> None:
        self.model, self.settings = model, settings
        self.reader: Reads = reader(model)
        self.languages, self.at = _all_languages(model.languages)
        rows: dict[object, int] = {}
        keys: Sequence[object] = blocks if hints is None else list(zip(blocks, hints, strict=True))
        self.row_of = [rows.setdefault(key, len(rows)) for key in keys]
        self.blocks: list[str] = list(rows) if hints is None else [key[0] for key in rows]  # type: ignore[misc, index]
        page = self.page = self.reader.read(self.blocks)
        self.place = np.array(self.row_of, dtype=np.intp)
        self.times = np.bincount(self.place, minlength=len(self.blocks))
        self.masks: list[int] = page.scripts.tolist()
        self.open = ~page.wordless
        self.deviates = np.zeros(len(self.blocks), dtype=np.bool_)
        self.posteriors = np.zeros((len(self.blocks), len(self.languages)))
        self.evidence = np.where(page.name_like, settings.name_evidence, 1.0)
        # What a block counts in the page's mix: its letters, a bare name a tenth of them.
        self.weight = np.minimum(page.letters, 400) * np.where(page.name_like, 1, TENTHS) * self.open
        self.hints = self._hints([key[1] for key in rows]) if hints is not None else None  # type: ignore[index]
        self.length = int(self.times[page.tokens > 0].sum())
        self.floor = _floor(settings.prior_floor, self.length)

    def tag(self) -> list[list[Span]]:
        spans: list[list[Span]] = [[]] * len(self.blocks)
        for row in np.flatnonzero(~self.open).tolist():
            block = self.blocks[row]
            script = main_script(self.masks[row])
            spans[row] = [Span(0, len(block), "und", 1.0, "", script, "none", "und")] if block else []
        self._settle_by_script(spans)
        self._settle_by_agreement(spans)
        found = [list(spans[row]) for row in self.row_of]
        rest = np.flatnonzero(self.open[self.place])
        if len(rest):
            self._settle_with_models(rest, found)
        return found

    # --- by script, and by agreement with the page

    def _settle_by_script(self, spans: list[list[Span]]) -> None:
        """Write the blocks whose script leaves no choice."""
        for row, mask in enumerate(self.masks):
            if mask in _AMBIGUOUS or not self.open[row]:
                continue
            language = _settled_by(mask)
            if language:
                self.posteriors[row, self.at[language]] = 1.0
                # Ideographs alone are Chinese or Japanese: the page decides.
                if language != "zh":
                    spans[row] = [
                        Span(0, len(self.blocks[row]), language, 1.0, "", _written_as(mask), "script", language)
                    ]
                    self.open[row] = False

    def _settle_by_agreement(self, spans: list[list[Span]]) -> None:
        """Write the blocks whose own evidence, in the eyes of the small model, agrees with the page's."""
        page, settings = self.page, self.settings
        present = set(self.masks)
        looks = []
        total = np.zeros(len(self.languages), dtype=np.int64)
        for mask, script in _AMBIGUOUS.items():
            if mask in present:
                rows = np.flatnonzero((page.scripts == mask) & self.open)
                if len(rows):
                    model = engines.cheap_model(settings.weights, script)
                    seen = self.reader.look(model, page.vectors[rows], page.letters[rows])
                    total[model.columns] += mix_of(seen.shares, self.weight[rows], self.times[rows])
                    self.posteriors[rows[:, None], model.columns] = seen.shares / (1 << SHARE_BITS)
                    looks.append((mask, rows, model, seen))
        for mask in present & set(_SETTLED):
            chosen = page.scripts == mask
            total[self.at[_SETTLED[mask]]] += (self.weight * self.times)[chosen].sum() * SHARE_ONE
        if not settings.context:
            total[:] = 0
        everything = int(total.sum())
        letters = int((page.letters * self.times).sum())
        known = (letters - page.letters >= settings.context_letters) & settings.context
        clear = (page.letters >= CLEAR_LETTERS) & ~page.many_names
        for mask, rows, model, seen in looks:
            asked = Asked(
                self.weight[rows],
                self.evidence[rows],
                known[rows],
                clear[rows],
                total[model.columns],
                everything,
                self.floor,
                settings.settle_at,
                self.length >= MONOTONOUS_BLOCKS,
                None if self.hints is None else self.hints[rows[:, None], model.columns],
                Pieces(page.first_piece[rows], page.piece_counts[rows], page.piece_vectors, page.piece_letters),
            )
            settled = self.reader.settle(model, seen, asked)
            self.open[rows[settled.sure]] = False
            self.deviates[rows] = settled.deviates
            names = [self.languages[column] for column in model.columns.tolist()]
            script = main_script(mask)
            facts = zip(
                rows.tolist(), settled.sure.tolist(), settled.best.tolist(), np.round(settled.confidence, 4).tolist(),
                settled.second.tolist(), settled.why.tolist(), settled.own.tolist(), strict=True,
            )  # fmt: skip
            for row, sure, best, p, second, why, own in facts:
                if sure:
                    length = len(self.blocks[row])
                    spans[row] = [Span(0, length, names[best], p, names[second], script, _DECIDED[why], names[own])]

    # --- the page and the neighbours

    def _share(self, own: Floats, total: Floats) -> Floats:
        """(rows, languages): shares of the page's letters by language, each block's own part left out."""
        rest = total.sum() - own.sum(axis=1, keepdims=True)
        share: Floats = np.maximum(total - own, 0) / (np.maximum(rest, 0) + DOUBTED_LETTERS)
        return share

    def _neighbours(self, places: npt.NDArray[np.intp]) -> Floats:
        """(places, languages): mean of the two blocks with words on each side."""
        around = np.zeros((len(places), len(self.languages)))
        worded = np.flatnonzero(~self.page.wordless[self.place])
        rows = self.place[worded]
        at = np.searchsorted(worded, places)
        count = np.zeros((len(places), 1))
        for step in (-2, -1, 1, 2):
            there = (at + step >= 0) & (at + step < len(worded))
            around[there] += self.posteriors[rows[at[there] + step]]
            count[there] += 1
        return around / np.maximum(count, 1)

    def _hints(self, hints: Sequence[str | None]) -> Floats:
        given = np.zeros((len(self.blocks), len(self.languages)))
        for row, hint in enumerate(hints):
            column = self.at.get(canonical(hint or ""))
            if column is not None:
                given[row, column] = self.settings.hint_weight
        return given

    # --- the models

    def _settle_with_models(self, rest: npt.NDArray[np.intp], found: list[list[Span]]) -> None:
        rows = self.place[rest]
        asked = np.flatnonzero(self.open)
        answers = self._read_with_models(asked.tolist())
        for answer in answers:
            if len(answer.pieces) == 1:
                self.posteriors[answer.row] = np.exp(answer.alone[0])
            else:
                weights = np.array(answer.letters)[:, None] + 1e-9
                self.posteriors[answer.row] = (np.exp(answer.alone) * weights).sum(axis=0) / weights.sum()
        prior = np.zeros((len(rest), len(self.languages)))
        if self.settings.context and self.length > 1:
            part = self.posteriors**2 * (self.weight / TENTHS)[:, None]
            prior += self._share(part[rows], (part * self.times[:, None]).sum(axis=0))
            trust = prior.sum(axis=1, keepdims=True)
            prior += trust * self.settings.neighbour_weight * self._neighbours(rest)
        unhinted = np.log(prior + self.floor)
        hinted = unhinted if self.hints is None else np.log(prior + self.hints[rows] + self.floor)
        answer_of = [answers[number] for number in np.searchsorted(asked, rows).tolist()]
        whole = [order for order, answer in enumerate(answer_of) if len(answer.pieces) == 1]
        if whole:
            written = self._whole([answer_of[order] for order in whole], hinted[whole], unhinted[whole])
            for order, span in zip(whole, written, strict=True):
                found[int(rest[order])] = [span]
        for order, answer in enumerate(answer_of):
            if len(answer.pieces) > 1:
                found[int(rest[order])] = self._write(answer, hinted[order], unhinted[order])

    def _read_with_models(self, rows: list[int]) -> list[_Answer]:
        texts, scripts, where = [], [], []
        answers = []
        for row in rows:
            block = self.blocks[row]
            pieces = self._cut(row)
            letters = letters_of(pieces, block) if len(pieces) > 1 else [int(self.page.letters[row])]
            by_script = [BIT.get(piece.script) in _SETTLED for piece in pieces]
            alone = np.full((len(pieces), len(self.languages)), -np.log(len(self.languages)))
            for position, piece in enumerate(pieces):
                if BIT.get(piece.script) in _AMBIGUOUS:
                    texts.append(block[piece.start : piece.end] if len(pieces) > 1 else block)
                    scripts.append(SCRIPTS.index(piece.script))
                    where.append(alone[position])
                elif by_script[position]:
                    self._decide_by_script(alone[position], piece, letters[position])
            answers.append(_Answer(row, pieces, letters, alone, by_script))
        read = self.reader.pool(texts, scripts) / TICKS
        for log, found in zip(where, read, strict=True):
            log[:] = _IMPOSSIBLE
            log[: len(found)] = found
        return answers

    def _cut(self, row: int) -> list[Piece]:
        mask, block = self.masks[row], self.blocks[row]
        if mask in _SETTLED or (mask in _AMBIGUOUS and not self.deviates[row]):
            return [Piece(0, len(block), main_script(mask))]
        return cut_into_pieces(block, self.reader)

    def _decide_by_script(self, log: Floats, piece: Piece, letters: int) -> None:
        language = _SETTLED[BIT[piece.script]]
        log[:] = _IMPOSSIBLE
        log[self.at[language]] = 0.0
        if language == "zh":
            # Ideographs alone are Chinese or, the shorter the likelier, Japanese: the page decides.
            log[self.at["ja"]] = -KANA_EXPECTED * letters

    # --- writing

    def _whole(self, answers: list[_Answer], hinted: Floats, unhinted: Floats) -> list[Span]:
        """The spans of blocks that are in one language."""
        rows = [answer.row for answer in answers]
        evidence = np.concatenate([answer.alone for answer in answers]) * self.evidence[rows, None]
        p = _softmax(evidence + hinted)
        without = (evidence + unhinted).argmax(axis=1).tolist()
        own = _softmax(evidence)
        facts = zip(answers, p, own.argmax(axis=1).tolist(), own.max(axis=1).tolist(), without, strict=True)
        return [
            self._span(
                answer.pieces, int(posterior.argmax()), posterior, alone, sure, unhinted_best, answer.by_script[0]
            )
            for answer, posterior, alone, sure, unhinted_best in facts
        ]

    def _write(self, answer: _Answer, hinted: Floats, unhinted: Floats) -> list[Span]:
        """The spans of a block that may be in several; neighbours of one language merged."""
        evidence = answer.alone * self.evidence[answer.row]
        scores = evidence + hinted
        posteriors = _softmax(scores)
        labels = self._labels(scores, answer)
        spans: list[Span] = []
        for first, last in _runs(labels):
            group = slice(first, last + 1)
            weight = np.array(answer.letters[group], dtype=np.float64)[:, None] + 1e-9
            p = (posteriors[group] * weight).sum(axis=0) / weight.sum()
            own = (evidence[group] * weight).sum(axis=0) / weight.sum()
            sure = float(_softmax(own[None])[0].max())
            best, by_script = int((own + unhinted).argmax()), all(answer.by_script[group])
            spans.append(self._span(answer.pieces[group], labels[first], p, int(own.argmax()), sure, best, by_script))
        return _merge(spans)

    def _labels(self, scores: Floats, answer: _Answer) -> list[int]:
        if len(scores) == 1:
            return [int(scores[0].argmax())]
        weight = np.clip(np.array(answer.letters, dtype=np.float64) / 24, 0.15, 2.0)
        weight[np.array(answer.letters) == 0] = 0.0
        columns = np.unique(scores.argmax(axis=1))
        emissions = np.maximum(scores - scores.max(axis=1, keepdims=True), -15.0)[:, columns] * weight[:, None]
        # What a script excludes is beyond any cost of switching; but names in Latin letters stand in every script.
        foreign = np.array([piece.script not in ("Latn", "Zyyy") for piece in answer.pieces]) & (weight > 0)
        emissions[(answer.alone[:, columns] < _IMPOSSIBLE / 2) & foreign[:, None]] = -1000.0
        # Leaving what the script settles is, too.
        emissions[np.array(answer.by_script)] *= 100
        return [int(columns[label]) for label in cheapest_labels(emissions, self.settings.switch_cost)]

    def _span(
        self, pieces: list[Piece], label: int, p: Floats, own: int, own_sure: float, unhinted: int, by_script: bool
    ) -> Span:
        """`own` is the answer without the page, `unhinted` without the page's own claims."""
        language, confidence = self.languages[label], round(float(p[label]), 4)
        p[label] = -1.0
        runner_up = int(p.argmax())
        second = self.languages[runner_up] if p[runner_up] > 1e-4 else ""
        alone = self.languages[own] if own_sure >= self.settings.und_below else "und"
        decided = "prior" if unhinted == label else "markup"
        if own == label:
            decided = "script" if by_script else "model"
        if confidence < self.settings.und_below:
            language, second, decided = "und", language, "none"
        script = next((piece.script for piece in pieces if piece.script != "Zyyy"), "Zyyy")
        script = _SCRIPT_NAMES.get(script, script)
        return Span(pieces[0].start, pieces[-1].end, language, confidence, second, script, decided, alone)


@cache
def _all_languages(model: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The model's languages and those that a script settles, and the column of each."""
    languages = (*model, *sorted(set(SCRIPT_LANGUAGE.values()) - set(model)))
    return languages, {language: column for column, language in enumerate(languages)}


def _floor(given: float, blocks: int) -> float:
    """Long pages in one language leave strangers less: `given` is meant for 18 blocks."""
    return max(given * 18 / max(blocks, 2), min(given, _SMALLEST_FLOOR))


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


def _runs(labels: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of every stretch of equal labels."""
    borders = [0, *(n for n in range(1, len(labels)) if labels[n] != labels[n - 1]), len(labels)]
    return [(start, end - 1) for start, end in pairwise(borders)]


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
