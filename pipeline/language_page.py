"""The default engine: one page's blocks, a cheap look first, models where the evidence deviates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline import language_engines as engines
from pipeline.language_codes import canonical
from pipeline.language_reading import NAMES_FROM, NAMES_UP_TO, Floats, PageReading, piece_counts, read_page
from pipeline.language_settings import LanguageSettings
from pipeline.language_spans import Piece, cheapest_labels, cut_into_pieces, letters_of, main_script
from pipeline.language_tokens import CAPITALISED, LOWER_CASE, WORD, TokenTable, token_table
from pipeline.model import Span
from pipeline.scripts import BIT, SCRIPT_LANGUAGE, SCRIPTS, SHARED_SCRIPTS

_AMBIGUOUS = {BIT[script]: SCRIPTS.index(script) for script in (*SHARED_SCRIPTS, "Beng")}
_SETTLED = {BIT[script]: language for script, language in SCRIPT_LANGUAGE.items() if script != "Beng"}
_DECIDED = ("model", "prior", "markup")
# Kana and hangul name the whole writing system they are used in.
_SCRIPT_NAMES = {"Kana": "Jpan", "Hang": "Kore"}
_JAPANESE = BIT["Hani"] | BIT["Kana"]
_KOREAN = BIT["Hani"] | BIT["Hang"]
# However long the page, a language that is not on it keeps this chance.
_SMALLEST_FLOOR = 0.0004
# Nats by which every further ideograph without kana beside it speaks against Japanese.
KANA_EXPECTED = 0.5
# Pieces of fewer letters say nothing of their own.
PIECE_LETTERS = 4
# A block with this many letters and few names is settled without the page where the small model is this sure
# of a language that has no close relative.
CLEAR_LETTERS = 30
CLEAR_AT = 0.995
# A page's mix is believed as if this many letters of no language had been seen too: two lines are no context.
DOUBTED_LETTERS = 100
# On a page this long and this much in one language, what leans to that language is settled with it: menu words and
# names, about which the models would not know better than the page.
MONOTONOUS_BLOCKS = 40
MONOTONOUS_SHARE = 0.8
MONOTONOUS_SETTLE_AT = 0.5
# ... unless the small model prefers another language by this many nats.
MONOTONOUS_DOUBT = 5.0
# Where names may mislead, the lower-case words are read again, and count for the share of the others, at most this.
NAMES_AT_MOST = 0.75


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
    table = token_table(model.table)
    page = read_page(blocks, table)
    if page is None:
        return [_wordless(block) for block in blocks]
    return _Page(blocks, page, model, table, settings, hints).tag()


def _wordless(block: str, script: str = "Zyyy") -> list[Span]:
    return [Span(0, len(block), "und", 1.0, "", script, "none", "und")] if block else []


class _Page:
    """One call's working values; nothing of it outlives the call. Rows are the blocks that hold tokens."""

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
        self.number: list[int] = page.number.tolist()
        self.masks: list[int] = page.scripts.tolist()
        self.open = ~page.wordless
        self.piece_counts = piece_counts(page)
        self.posteriors = np.zeros((len(self.number), len(self.languages)))
        self.evidence = np.where(page.name_like, settings.name_evidence, 1.0)
        self.weight = np.minimum(page.letters, 400) * np.where(page.name_like, 0.1, 1.0) * self.open
        self.hints = self._hints(hints) if hints is not None else None
        self.floor = _floor(settings.prior_floor, len(self.number))

    def tag(self) -> list[list[Span]]:
        spans: list[list[Span]] = [[]] * len(self.blocks)
        page, settings = self.page, self.settings
        for index in sorted(set(range(len(self.blocks))) - set(self.number)):
            spans[index] = _wordless(self.blocks[index])
        for row in np.flatnonzero(page.wordless).tolist():
            spans[self.number[row]] = _wordless(self.blocks[self.number[row]], main_script(self.masks[row]))
        self._settle_by_script(spans)
        known = page.letters.sum() - page.letters >= settings.context_letters
        self.known = known if settings.context else np.zeros_like(known)
        self.clear = (page.letters >= CLEAR_LETTERS) & ~page.many_names
        if self.known.any() or self.clear.any():
            self._settle_by_agreement(spans)
        rest = np.flatnonzero(self.open).tolist()
        if rest:
            self._settle_with_models(rest, spans)
        return spans

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
                    length = len(self.blocks[self.number[row]])
                    spans[self.number[row]] = [
                        Span(0, length, language, 1.0, "", _written_as(mask), "script", language)
                    ]
                    self.open[row] = False

    def _settle_by_agreement(self, spans: list[list[Span]]) -> None:
        """Write the blocks whose own evidence, in the eyes of the small model, agrees with the page's."""
        page = self.page
        looks = []
        total = np.zeros(len(self.languages))
        for mask, script in _AMBIGUOUS.items():
            rows = np.flatnonzero((page.scripts == mask) & self.open)
            if len(rows):
                model = engines.cheap_model(self.settings.weights, script)
                logs = model.read(page.vectors[rows], page.letters[rows], self.model)
                p = np.exp(logs)
                part = p * p * self.weight[rows, None]
                self.posteriors[np.ix_(rows, model.columns)] = p
                total[model.columns] += part.sum(axis=0)
                looks.append((rows, model, logs, part))
        for mask, language in _SETTLED.items():
            total[self.at[language]] += self.weight[page.scripts == mask].sum()
        if not self.settings.context:
            total[:] = 0.0
        for rows, model, logs, part in looks:
            self._settle_rows(rows, model, logs, self._share(part, total, model.columns), spans)

    def _settle_rows(
        self,
        rows: npt.NDArray[np.intp],
        model: engines.CheapModel,
        logs: Floats,
        mix: Floats,
        spans: list[list[Span]],
    ) -> None:
        columns = model.columns
        hinted = mix if self.hints is None else mix + self.hints[np.ix_(rows, columns)]
        prior = np.log(hinted + self.floor)
        evidence = logs * self.evidence[rows, None]
        scores = evidence + prior
        each = np.arange(len(rows))
        best = scores.argmax(axis=1)
        odds = np.exp(scores - scores[each, best][:, None])
        confidence = 1 / odds.sum(axis=1)
        monotonous = (mix[each, best] >= MONOTONOUS_SHARE) & (len(self.number) >= MONOTONOUS_BLOCKS)
        monotonous &= logs.max(axis=1) - logs[each, best] < MONOTONOUS_DOUBT
        sure = self.known[rows] & (confidence >= np.where(monotonous, MONOTONOUS_SETTLE_AT, self.settings.settle_at))
        sure |= self.clear[rows] & (confidence >= CLEAR_AT) & model.distinct[best]
        sure &= self._pieces_agree(rows, sure, model, prior, best)
        odds[each, best] = -1.0
        second, by_itself = odds.argmax(axis=1), logs.argmax(axis=1)
        unhinted = best if self.hints is None else (evidence + np.log(mix + self.floor)).argmax(axis=1)
        decided = np.where(by_itself == best, 0, np.where(unhinted == best, 1, 2)).tolist()
        names = [self.languages[column] for column in columns.tolist()]
        values = zip(
            rows.tolist(), best.tolist(), np.round(confidence, 4).tolist(), second.tolist(), by_itself.tolist(),
            decided, sure.tolist(), strict=True,
        )  # fmt: skip
        script = main_script(self.masks[int(rows[0])])
        for row, top, p, runner_up, own, why, settled in values:
            if settled:
                number = self.number[row]
                spans[number] = [
                    Span(
                        0, len(self.blocks[number]), names[top], p, names[runner_up], script, _DECIDED[why], names[own]
                    )
                ]
        self.open[rows[sure]] = False

    def _pieces_agree(
        self,
        rows: npt.NDArray[np.intp],
        asked: npt.NDArray[np.bool_],
        model: engines.CheapModel,
        prior: Floats,
        best: npt.NDArray[np.intp],
    ) -> npt.NDArray[np.bool_]:
        """(rows,): no piece of the block would rather be in another language, given the page."""
        split = np.flatnonzero(asked & (self.piece_counts[rows] > 1))
        agree = np.ones(len(rows), dtype=np.bool_)
        if len(split):
            pieces, part_of = self._pieces_of(rows[split])
            owner = split[part_of]
            logs = model.read(self.page.piece_vectors[pieces], self.page.piece_letters[pieces], self.model)
            agree[owner[(logs + prior[owner]).argmax(axis=1) != best[owner]]] = False
        return agree

    def _pieces_of(self, rows: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """(pieces, which of `rows` each is part of), those with enough letters to say something."""
        counts = self.piece_counts[rows]
        owner = np.repeat(np.arange(len(rows)), counts)
        shift = self.page.first_piece[rows] - np.cumsum(counts) + counts
        pieces = np.arange(len(owner)) + shift[owner]
        kept = self.page.piece_letters[pieces] >= PIECE_LETTERS
        return pieces[kept], owner[kept]

    # --- the page and the neighbours

    def _share(self, own: Floats, total: Floats, columns: npt.NDArray[np.intp] | slice) -> Floats:
        """(rows, columns): shares of the page's letters by language, each block's own part left out."""
        rest = total.sum() - own.sum(axis=1, keepdims=True)
        share: Floats = np.maximum(total[columns] - own, 0) / (np.maximum(rest, 0) + DOUBTED_LETTERS)
        return share

    def _neighbours(self, rows: npt.NDArray[np.intp]) -> Floats:
        """(rows, languages): mean of the two blocks with words on each side."""
        around = np.zeros((len(rows), len(self.languages)))
        worded = np.flatnonzero(~self.page.wordless)
        place = np.searchsorted(worded, rows)
        count = np.zeros((len(rows), 1))
        for step in (-2, -1, 1, 2):
            there = (place + step >= 0) & (place + step < len(worded))
            around[there] += self.posteriors[worded[place[there] + step]]
            count[there] += 1
        return around / np.maximum(count, 1)

    def _hints(self, hints: Sequence[str | None]) -> Floats:
        given = np.zeros((len(self.number), len(self.languages)))
        for row, index in enumerate(self.number):
            column = self.at.get(canonical(hints[index] or ""))
            if column is not None:
                given[row, column] = self.settings.hint_weight
        return given

    # --- the models

    def _settle_with_models(self, rest: list[int], spans: list[list[Span]]) -> None:
        answers = self._read_with_models(rest)
        for answer in answers:
            if len(answer.pieces) == 1:
                self.posteriors[answer.row] = np.exp(answer.alone[0])
            else:
                weights = np.array(answer.letters)[:, None] + 1e-9
                self.posteriors[answer.row] = (np.exp(answer.alone) * weights).sum(axis=0) / weights.sum()
        rows = np.array(rest)
        prior = np.zeros((len(rows), len(self.languages)))
        if self.settings.context and len(self.number) > 1:
            part = self.posteriors**2 * self.weight[:, None]
            prior += self._share(part[rows], part.sum(axis=0), slice(None))
            trust = prior.sum(axis=1, keepdims=True)
            prior += trust * self.settings.neighbour_weight * self._neighbours(rows)
        unhinted = np.log(prior + self.floor)
        hinted = unhinted if self.hints is None else np.log(prior + self.hints[rows] + self.floor)
        whole = [order for order, answer in enumerate(answers) if len(answer.pieces) == 1]
        if whole:
            self._write_whole([answers[order] for order in whole], hinted[whole], unhinted[whole], spans)
        for order, answer in enumerate(answers):
            if len(answer.pieces) > 1:
                spans[self.number[answer.row]] = self._write(answer, hinted[order], unhinted[order])

    def _read_with_models(self, rows: list[int]) -> list[_Answer]:
        cut = self._cut(rows)
        texts, scripts, where = [], [], []
        answers = []
        for order, (row, pieces) in enumerate(zip(rows, cut, strict=True)):
            block = self.blocks[self.number[row]]
            for position, piece in enumerate(pieces):
                if BIT.get(piece.script) in _AMBIGUOUS:
                    texts.append(block[piece.start : piece.end] if len(pieces) > 1 else block)
                    scripts.append(SCRIPTS.index(piece.script))
                    where.append((order, position))
            letters = letters_of(pieces, block) if len(pieces) > 1 else [int(self.page.letters[row])]
            by_script = [BIT.get(piece.script) in _SETTLED for piece in pieces]
            answers.append(_Answer(row, pieces, letters, self._script_logs(pieces, letters), by_script))
        # Labels repeat on a page; each is read once.
        once = {key: number for number, key in enumerate(dict.fromkeys(zip(texts, scripts, strict=True)))}
        read = self._pool([text for text, _ in once], [script for _, script in once])
        for (order, position), key in zip(where, zip(texts, scripts, strict=True), strict=True):
            log = read[once[key]]
            answers[order].alone[position] = engines.IMPOSSIBLE
            answers[order].alone[position, : len(log)] = log
        return answers

    def _cut(self, rows: list[int]) -> list[list[Piece]]:
        deviating = self._deviating(np.array(rows))
        found = []
        for row in rows:
            mask, block = self.masks[row], self.blocks[self.number[row]]
            whole = mask in _SETTLED or (mask in _AMBIGUOUS and row not in deviating)
            found.append([Piece(0, len(block), main_script(mask))] if whole else cut_into_pieces(block, self.table))
        return found

    def _script_logs(self, pieces: list[Piece], letters: list[int]) -> Floats:
        """(pieces, languages): certain where the script settles it, flat where it does not."""
        logs = np.full((len(pieces), len(self.languages)), -np.log(len(self.languages)))
        for position, piece in enumerate(pieces):
            language = _SETTLED.get(BIT.get(piece.script, 0))
            if language == "zh":
                # Ideographs alone are Chinese or, the shorter the likelier, Japanese: the page decides.
                logs[position] = engines.IMPOSSIBLE
                logs[position, [self.at["zh"], self.at["ja"]]] = 0.0, -KANA_EXPECTED * letters[position]
            elif language:
                logs[position] = engines.IMPOSSIBLE
                logs[position, self.at[language]] = 0.0
        return logs

    def _deviating(self, rows: npt.NDArray[np.intp]) -> set[int]:
        """The blocks of which a piece speaks against the block's own language."""
        page = self.page
        rows = rows[self.piece_counts[rows] > 1]
        found: set[int] = set()
        for mask in set(page.scripts[rows].tolist()) & set(_AMBIGUOUS):
            asked = rows[page.scripts[rows] == mask]
            model = engines.cheap_model(self.settings.weights, _AMBIGUOUS[mask])
            whole = model.read(page.vectors[asked], page.letters[asked], self.model).argmax(axis=1)
            pieces, owner = self._pieces_of(asked)
            logs = model.read(page.piece_vectors[pieces], page.piece_letters[pieces], self.model)
            against = logs.max(axis=1) - logs[np.arange(len(logs)), whole[owner]]
            found.update(asked[owner[against > 1.0]].tolist())
        return found

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
            (words >= 3) & (words <= NAMES_UP_TO) & (capitals >= NAMES_FROM * words) & (lower_letters >= 2),
            np.minimum(NAMES_AT_MOST, capitals / np.maximum(words, 1)),
            0.0,
        )
        again = np.flatnonzero(share)
        summands = readings.vectors.astype(np.float64)
        vectors = np.add.reduceat(summands, starts, axis=0)
        lower_vectors = np.add.reduceat(summands * lower[:, None], starts, axis=0)[again]
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

    def _write_whole(self, answers: list[_Answer], hinted: Floats, unhinted: Floats, spans: list[list[Span]]) -> None:
        """The spans of blocks that are in one language."""
        rows = np.array([answer.row for answer in answers])
        evidence = np.concatenate([answer.alone for answer in answers]) * self.evidence[rows, None]
        p = _softmax(evidence + hinted)
        without = (evidence + unhinted).argmax(axis=1).tolist()
        own = _softmax(evidence)
        facts = zip(answers, p, own.argmax(axis=1).tolist(), own.max(axis=1).tolist(), without, strict=True)
        for answer, posterior, alone, sure, unhinted_best in facts:
            label = int(posterior.argmax())
            spans[self.number[answer.row]] = [
                self._span(answer.pieces, label, posterior, alone, sure, unhinted_best, answer.by_script[0])
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
        emissions[(answer.alone[:, columns] < engines.IMPOSSIBLE / 2) & foreign[:, None]] = -1000.0
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


def _joined(tokens: Sequence[str], keep: npt.NDArray[np.bool_]) -> str:
    return " ".join([token for token, kept in zip(tokens, keep.tolist(), strict=True) if kept])


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
