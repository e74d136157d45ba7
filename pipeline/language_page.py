"""The default engine: one page's blocks, a cheap look first, models where the evidence deviates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline import language_engines as engines
from pipeline.language_codes import canonical
from pipeline.language_look import (
    DECIDED,
    DOUBTED_LETTERS,
    SHARE_BITS,
    SHARE_ONE,
    TENTHS,
    Again,
    Asked,
    Look,
    Pieces,
    Shares,
)
from pipeline.language_numbers import NEVER, TICKS, Floats, Ints
from pipeline.language_reading import Reads, reader
from pipeline.language_settings import LanguageSettings
from pipeline.language_spans import Piece, cheapest_labels, cut_into_pieces, letters_of, main_script
from pipeline.model import Span
from pipeline.scripts import BIT, SCRIPT_LANGUAGE, SCRIPTS, SHARED_SCRIPTS, ideographs_alone

_AMBIGUOUS = {BIT[script]: SCRIPTS.index(script) for script in (*SHARED_SCRIPTS, "Beng")}
_SETTLED = {BIT[script]: language for script, language in SCRIPT_LANGUAGE.items() if script != "Beng"}
# Kana and hangul name the whole writing system they are used in.
_SCRIPT_NAMES = {"Kana": "Jpan", "Hang": "Kore"}
_JAPANESE = BIT["Hani"] | BIT["Kana"]
_KOREAN = BIT["Hani"] | BIT["Hang"]
_new = tuple.__new__
# However long the page, a language that is not on it keeps this chance.
_SMALLEST_FLOOR = 0.0004
# Ticks by which every further ideograph without kana beside it speaks against Japanese.
KANA_EXPECTED = TICKS // 8
# The rest of the page makes one of them no likelier than e to the power of this.
MOST_ODDS = 3
# Ticks by which an ideograph that one of the two languages does not write speaks against it.
UNWRITTEN = 3 * TICKS
# So much of them at most speaks for Japanese: an old form may be quoted anywhere.
MOST_UNWRITTEN = 4 * TICKS
# A block with this many letters and few names may be settled without the page.
CLEAR_LETTERS = 30
# A page this long may be called monotonous, see `language_look`.
MONOTONOUS_BLOCKS = 40


class _Look(NamedTuple):
    """The cheap look at the rows of one script."""

    mask: int
    rows: npt.NDArray[np.intp]
    model: engines.CheapModel
    seen: Look


class _Answer(NamedTuple):
    """What the models say of a block that may be in several languages."""

    pieces: list[Piece]
    letters: list[int]
    alone: Ints
    """(pieces, languages): logarithms in ticks, without context."""
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
        keys: Sequence[str | tuple[str, str | None]] = (
            blocks if hints is None else list(zip(blocks, hints, strict=True))
        )
        rows: dict[Any, int] = {}
        self.row_of = [rows.setdefault(key, len(rows)) for key in keys]
        self.blocks: list[str] = list(rows) if hints is None else [key[0] for key in rows]
        page = self.page = self.reader.read(self.blocks)
        self.place = np.fromiter(self.row_of, np.intp, len(self.row_of))
        self.times = np.bincount(self.place, minlength=len(self.blocks))
        self.masks: list[int] = page.scripts.tolist()
        self.present = frozenset(self.masks)
        self.open = ~page.wordless
        self.deviates = np.zeros(len(self.blocks), dtype=np.bool_)
        self.evidence = np.where(page.name_like, settings.name_evidence, 1.0)
        self.counts = page.weights * self.times
        self.claims = self._claimed([key[1] for key in rows]) if hints is not None else None
        self.hints: Floats | None = None
        self.length = int(np.count_nonzero(page.tokens[self.place]))
        self.floor = _floor(settings.prior_floor, self.length)
        self.looks: list[_Look] = []
        self.certain: list[Shares] = []
        self.total = np.zeros(len(self.languages), dtype=np.int64)

    def tag(self) -> list[list[Span]]:
        spans: list[Span | None] = [None] * len(self.blocks)
        for row in np.flatnonzero(self.page.wordless).tolist():
            block = self.blocks[row]
            if block:
                script = main_script(self.masks[row])
                spans[row] = _new(Span, (0, len(block), "und", 1.0, "", script, "none", "und"))
        self._settle_by_script(spans)
        self._settle_by_agreement(spans)
        found = [[span] if (span := spans[row]) else [] for row in self.row_of]
        rest = np.flatnonzero(self.open[self.place])
        if len(rest):
            self._settle_with_models(rest, found)
        return found

    # --- by script, and by agreement with the page

    def _settle_by_script(self, spans: list[Span | None]) -> None:
        """Write the blocks whose script leaves no choice."""
        for mask in self.present - _AMBIGUOUS.keys():
            language = _settled_by(mask)
            # Ideographs alone are Chinese or Japanese: the page decides.
            if not language or language == "zh":
                continue
            rows = np.flatnonzero((self.page.scripts == mask) & self.open)
            for row in rows.tolist():
                spans[row] = Span(0, len(self.blocks[row]), language, 1.0, "", _written_as(mask), "script", language)
            if len(rows):
                self.open[rows] = False
                all_of_it = np.full((len(rows), 1), 1 << SHARE_BITS, dtype=np.int64)
                self.certain.append(Shares(rows, np.array([self.at[language]]), all_of_it))

    def _settle_by_agreement(self, spans: list[Span | None]) -> None:
        """Write the blocks whose own evidence, in the eyes of the small model, agrees with the page's."""
        page, settings = self.page, self.settings
        for mask in self.present & _AMBIGUOUS.keys():
            rows = np.flatnonzero((page.scripts == mask) & self.open)
            if len(rows):
                model = engines.cheap_model(settings.weights, _AMBIGUOUS[mask])
                seen = self.reader.look(model, rows, page.vectors, page.letters, self.counts)
                self.total[model.columns] += seen.mix
                self.looks.append(_Look(mask, rows, model, seen))
        self.hints = self._trust_claims()
        for mask in self.present - _AMBIGUOUS.keys():
            if language := _settled_by(mask):
                self.total[self.at[language]] += self._letters_in(page.scripts == mask)
        if not settings.context:
            self.total[:] = 0
        everything = int(self.total.sum())
        letters = int((page.letters * self.times).sum())
        known = (letters - page.letters >= settings.context_letters) & settings.context
        clear = (page.letters >= CLEAR_LETTERS) & ~page.many_names
        pieces = Pieces(page.first_piece, page.piece_counts, page.piece_vectors, page.piece_letters)
        for mask, rows, model, seen in self.looks:
            asked = Asked(
                rows,
                page.weights,
                self.evidence,
                known,
                clear,
                self.total[model.columns],
                everything,
                self.floor,
                settings.settle_at,
                self.length >= MONOTONOUS_BLOCKS,
                None if self.hints is None else self.hints[rows[:, None], model.columns],
                pieces,
            )
            settled = self.reader.settle(model, seen, asked)
            sure = np.flatnonzero(settled.sure)
            self.open[rows[sure]] = False
            self.deviates[rows] = settled.deviates
            settled_rows = rows[sure].tolist()
            lengths = [len(self.blocks[row]) for row in settled_rows]
            found = self.reader.spans_of(settled.weighed, sure, lengths, model.languages, main_script(mask))
            for row, span in zip(settled_rows, found, strict=True):
                spans[row] = span

    def _letters_in(self, chosen: npt.NDArray[np.bool_]) -> int:
        """What rows that are in one language for certain add to the page's mix."""
        return int(self.counts[chosen].sum()) * SHARE_ONE

    # --- the page and the neighbours

    def _mix_with(self, rows: npt.NDArray[np.intp], shares: Ints) -> Ints:
        """(languages,): what all blocks add to the page's mix, now that the models have read `rows`."""
        if not self.settings.context or self.length < 2:
            return np.zeros(len(self.languages), dtype=np.int64)
        total = self.total + self.reader.mix_of(shares, self.counts[rows])
        again = self.counts * self.open
        for _, seen_rows, model, seen in self.looks:
            total[model.columns] -= self.reader.mix_of(seen.shares, again[seen_rows])
        # Ideographs counted as Chinese until now.
        if BIT["Hani"] in self.present:
            total[self.at["zh"]] -= self._letters_in((self.page.scripts == BIT["Hani"]) & self.open)
        return total

    # --- the page's own claims

    def _claimed(self, hints: Sequence[str | None]) -> npt.NDArray[np.intp]:
        """(rows,): the column of the language that the page claims of each row, -1 for none that is known."""
        return np.array([self.at.get(canonical(hint or ""), -1) for hint in hints], dtype=np.intp)

    def _trust_claims(self) -> Floats | None:
        """(rows, languages): what the claims weigh. One that the page's own text speaks against weighs little."""
        if self.claims is None or not (self.claims >= 0).any():
            return None
        kept, said = np.zeros((2, len(self.languages)), dtype=np.int64)
        for _, rows, model, seen in self.looks:
            parts_of = seen.shares * seen.shares * self.counts[rows, None]
            claims = self.claims[rows]
            np.add.at(said, claims[claims >= 0], parts_of.sum(axis=1)[claims >= 0])
            kept[model.columns] += (parts_of * (claims[:, None] == model.columns)).sum(axis=0)
        doubt = DOUBTED_LETTERS * TENTHS * SHARE_ONE
        trust = (kept + doubt) / (said + doubt)
        weights: Floats = np.zeros((len(self.blocks), len(self.languages)))
        rows = np.flatnonzero(self.claims >= 0)
        weights[rows, self.claims[rows]] = self.settings.hint_weight * trust[self.claims[rows]]
        return weights

    # --- the models

    def _settle_with_models(self, rest: npt.NDArray[np.intp], found: list[list[Span]]) -> None:
        asked = np.flatnonzero(self.open)
        logs, shares, answers = self._read_with_models(asked)
        evidence = self.evidence[asked]
        order = np.searchsorted(asked, self.place[rest])
        hints = None if self.hints is None else self.hints[self.place[rest]]
        known = [Shares(asked, np.arange(len(self.languages)), shares), *self.certain]
        known += [Shares(look.rows, look.model.columns, look.seen.shares) for look in self.looks]
        mix, weighed, own_shares = self.reader.weigh_again(
            Again(
                logs,
                shares,
                self.page.weights[asked],
                evidence,
                self._mix_with(asked, shares),
                rest,
                order,
                self.place,
                self.page.wordless,
                known,
                self.settings.neighbour_weight,
                hints,
                self.floor,
            )
        )
        rows = asked.tolist()
        facts = zip(*(values.tolist() for values in (rest, order, *weighed, own_shares)), strict=True)
        for number, (place, row, best, second, own, why, p, second_p, own_p) in enumerate(facts):
            answer = answers.get(row)
            if answer is None:
                mask, length = self.masks[rows[row]], len(self.blocks[rows[row]])
                decided = "script" if why == 0 and mask in _SETTLED else DECIDED[why]
                found[place] = [
                    self._span(0, length, main_script(mask), best, p, second, second_p, own, own_p, decided)
                ]
            else:
                unhinted = np.log(mix[number] + self.floor)
                hinted = unhinted if hints is None else np.log(mix[number] + hints[number] + self.floor)
                found[place] = self._write(answer, evidence[row], hinted, unhinted)

    def _read_with_models(self, asked: npt.NDArray[np.intp]) -> tuple[Ints, Ints, dict[int, _Answer]]:
        """(asked, languages) evidence and mix of the blocks, and the answers of those that are cut into pieces."""
        logs = np.full((len(asked), len(self.languages)), NEVER)
        answers: dict[int, _Answer] = {}
        texts, scripts, where = [], [], []
        for number, row in enumerate(asked.tolist()):
            mask, block = self.masks[row], self.blocks[row]
            if mask in _SETTLED:
                self._decide_by_script(logs[number], mask, block, int(self.page.letters[row]))
            elif mask in _AMBIGUOUS and not self.deviates[row]:
                texts.append(block)
                scripts.append(_AMBIGUOUS[mask])
                where.append(logs[number])
            else:
                answer = answers[number] = self._cut(row)
                for log, piece, letters in zip(answer.alone, answer.pieces, answer.letters, strict=True):
                    bit = BIT.get(piece.script, 0)
                    if bit in _AMBIGUOUS:
                        texts.append(block[piece.start : piece.end])
                        scripts.append(_AMBIGUOUS[bit])
                        where.append(log)
                    elif bit in _SETTLED:
                        self._decide_by_script(log, bit, block[piece.start : piece.end], letters)
                    else:
                        # Of a piece without letters, every language is as likely.
                        log[:] = -round(TICKS * math.log(len(self.languages)))
        for log, read in zip(where, self.reader.pool(texts, scripts), strict=True):
            log[: len(read)] = read
        shares = self.reader.shares_of(self._with_page_odds(logs, asked))
        for number, answer in answers.items():
            each = self.reader.shares_of(answer.alone)
            weights = np.array(answer.letters)
            shares[number] = (each * weights[:, None]).sum(axis=0) // max(int(weights.sum()), 1)
        return logs, shares, answers

    def _cut(self, row: int) -> _Answer:
        mask, block = self.masks[row], self.blocks[row]
        if mask in _AMBIGUOUS:
            starts = [0, *self.reader.starts(block)[1:], len(block)]
            script = main_script(mask)
            pieces = [Piece(start, end, script) for start, end in pairwise(starts)]
            first = int(self.page.first_piece[row])
            letters = self.page.piece_letters[first : first + len(pieces)].tolist()
        else:
            pieces = cut_into_pieces(block, self.reader)
            letters = letters_of(pieces, block)
        by_script = [BIT.get(piece.script) in _SETTLED for piece in pieces]
        return _Answer(pieces, letters, np.full((len(pieces), len(self.languages)), NEVER), by_script)

    def _decide_by_script(self, log: Ints, script: int, text: str, letters: int) -> None:
        language = _SETTLED[script]
        log[self.at[language]] = 0
        if language == "zh":
            # Ideographs alone are Chinese or, the shorter the likelier, Japanese: the page decides, and those of one alone.
            alone = ideographs_alone()
            log[self.at["ja"]] = -KANA_EXPECTED * letters - UNWRITTEN * sum(char in alone.chinese for char in text)
            log[self.at["zh"]] = -min(UNWRITTEN * sum(char in alone.japanese for char in text), MOST_UNWRITTEN)

    def _with_page_odds(self, logs: Ints, asked: npt.NDArray[np.intp]) -> Ints:
        """The evidence with what the rest of the page says of ideographs alone, so that many of them do not make it Chinese."""
        ideographs = self.page.scripts[asked] == BIT["Hani"]
        if not ideographs.any() or not self.settings.context:
            return logs
        alone = ideographs_alone().chinese
        chinese = [row for row in asked[ideographs].tolist() if not alone.isdisjoint(self.blocks[row])]
        japanese = np.isin(self.page.scripts, (BIT["Kana"], _JAPANESE))
        odds = math.log((1 + int(self.counts[japanese].sum())) / (1 + int(self.counts[chinese].sum())))
        known = logs.copy()
        known[ideographs, self.at["ja"]] += round(TICKS * min(max(odds, -MOST_ODDS), MOST_ODDS))
        known[ideographs] -= known[ideographs].max(axis=1, keepdims=True)
        return known

    # --- writing

    def _write(self, answer: _Answer, kept: float, hinted: Floats, unhinted: Floats) -> list[Span]:
        """The spans of a block that may be in several languages; neighbours of one language merged."""
        evidence = answer.alone * (kept / TICKS)
        scores = evidence + hinted
        posteriors = _softmax(scores)
        labels = self._labels(scores, answer)
        weights = np.array(answer.letters, dtype=np.float64)[:, None] + 1e-9
        spans: list[Span] = []
        for first, last in _runs(labels):
            group = slice(first, last + 1)
            weight = weights[group]
            total = weight.sum()
            p = (posteriors[group] * weight).sum(axis=0) / total
            alone = (evidence[group] * weight).sum(axis=0) / total
            label, own = labels[first], int(alone.argmax())
            confidence = float(p[label])
            p[label] = -1.0
            second = int(p.argmax())
            if own == label:
                decided = "script" if all(answer.by_script[group]) else "model"
            # Pieces that were read together may lean another way than their mean; without claims the page did it.
            elif int((alone + unhinted).argmax()) == label or np.array_equal(hinted, unhinted):
                decided = "prior"
            else:
                decided = "markup"
            own_p = float(1.0 / np.exp(alone - alone[own]).sum())
            pieces = answer.pieces[group]
            start, end = pieces[0].start, pieces[-1].end
            script = next((piece.script for piece in pieces if piece.script != "Zyyy"), "Zyyy")
            spans.append(
                self._span(start, end, script, label, confidence, second, float(p[second]), own, own_p, decided)
            )
        return _merge(spans)

    def _labels(self, scores: Floats, answer: _Answer) -> list[int]:
        likeliest = scores.argmax(axis=1).tolist()
        columns = np.array(sorted(set(likeliest)))
        if len(columns) == 1:
            return list(likeliest)
        letters = np.array(answer.letters, dtype=np.float64)
        weight = np.minimum(np.maximum(letters / 24, 0.15), 2.0) * (letters > 0)
        emissions = np.maximum(scores - scores.max(axis=1, keepdims=True), -15.0)[:, columns] * weight[:, None]
        # What a script excludes is beyond any cost of switching; but names in Latin letters stand in every script.
        foreign = np.array([piece.script not in ("Latn", "Zyyy") for piece in answer.pieces]) & (weight > 0)
        emissions[(answer.alone[:, columns] < NEVER // 2) & foreign[:, None]] = -1000.0
        # Leaving what the script settles is, too.
        emissions[np.array(answer.by_script)] *= 100
        found: list[int] = columns[cheapest_labels(emissions, self.settings.switch_cost)].tolist()
        return found

    def _span(
        self, start: int, end: int, script: str, best: int, confidence: float, second: int, second_share: float, own: int,
        own_share: float, decided: str,
    ) -> Span:  # fmt: skip
        """The span of what is said of a stretch; languages are columns, `own` the best without the page."""
        languages, und_below = self.languages, self.settings.und_below
        language, confidence = languages[best], round(confidence, 4)
        other = languages[second] if second_share > 1e-4 else ""
        alone = languages[own] if own_share >= und_below else "und"
        if confidence < und_below:
            language, other, decided = "und", language, "none"
        script = _SCRIPT_NAMES.get(script, script)
        # Not `Span(...)`: a page has many, and this takes a third of the time.
        return _new(Span, (start, end, language, confidence, other, script, decided, alone))


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
