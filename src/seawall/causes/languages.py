"""Statuses in sentences of other languages: a number beside a word for an error, a code or the API, in any script.

Only the words that stand beside the number are known here, no sentences: what else is said does not matter.
"""

import re
from itertools import islice

_WORDS = (
    "error", "errore", "errores", "errori", "erreur", "erreurs", "erro", "erros", "eroare", "fehler", "fehlercode",
    "fehlermeldung", "fout", "foutcode", "felkod", "fejl", "fejlkode", "feil", "feilkode", "virhe", "virhekoodi",
    "chyba", "hiba", "hibakod", "hata", "hatasi", "blad", "bledu", "greska", "oshibka", "kesalahan", "galat", "loi",
)  # fmt: skip
"""Words for an error that need no letters beyond ASCII, or are written without them."""
_STEMS = (
    "błąd", "błęd", "hatas", "hatal", "ошибк", "помилк", "грешк", "грешка", "错误", "錯誤", "出错", "出錯", "报错",
    "報錯", "异常", "異常", "エラー", "오류", "에러", "خطأ", "خطا", "שגיאה", "שגיאת", "σφάλμα", "lỗi", "ผิดพลาด",
    "त्रुटि", "viga", "klaida", "kļūda", "napaka", "greška",
)  # fmt: skip
_CODES = (
    "código", "codigo", "codice", "kod", "kodu", "kodem", "код", "кодом", "代码", "代碼",
    "错误代码", "ステータス", "ステータスコード", "コード", "코드", "상태", "estado", "statut", "stato",
    "статус", "durum", "رمز", "κωδικός", "mã",
)  # fmt: skip
_FOREIGN = frozenset(_WORDS[1:]) | {"codigo", "codice", "kod", "kodu", "kodem"}
_NAMES = frozenset(("api", "anthropic", "claude"))
_OF = frozenset(("de", "da", "do", "del", "dell", "della", "di", "na", "en", "van"))
"""What makes `error` a word of another language than English."""

_ERROR = rf"(?:(?<![a-z])(?:{'|'.join(_WORDS)})|(?:{'|'.join(_STEMS)})\w{{0,6}}?)"
_CODE = rf"(?:(?<!\w)(?:{'|'.join(_CODES)})|码|碼)"
_OURS = r"(?<![a-z])(?:api|anthropic|claude)"
_NUMBER = re.compile(r"[1-5]\d\d(?<![\d.,/#$-]...)(?!\d|[.,]\d|%)")
_API = rf"{_ERROR}(?:\W{{1,3}}\w{{1,9}}){{0,3}}\W{{0,3}}{_OURS}|{_OURS}\W{{0,3}}{_ERROR}"
_BEFORE = re.compile(rf"(?:{_ERROR}|{_CODE}|{_API})\W{{0,6}}$")
_AFTER = re.compile(rf"\W{{0,4}}{_ERROR}")
_API_BEFORE = re.compile(rf"(?:{_API})\W{{0,6}}$")
_ASKED = re.compile(rf"{_OURS}(?![a-z])(?:\W{{1,3}}[^\W\d]{{1,14}}|[^\W\da-z]{{1,6}}){{0,3}}\W{{0,4}}$")
_ENDS = re.compile(r"\W{0,3}$|[).,;:!\"']|\W{0,2}\(|を|が|エ")
"""What stands around the number that nobody else answers with: the service's name and a few words; an end."""
_PLACE = re.compile(
    r"(?:line|lines|línea|linea|linha|ligne|zeile|riga|regel|rad|wiersz\w{0,2}|linii|satır|satir|строк\w{0,2}|第|行|줄"
    r"|page|página|seite|port|puerto|porta|порт\w?|pid|id|nr|no|files?)\W{0,3}$"
)
"""What says before a number that it counts lines, pages or ports."""
_MOST = 1000
"""Numbers of a text that are looked at."""
_REACH = 56
"""Characters before a number that are looked at: an error's word, some small words, the API's name."""


def foreign(flat: str, words: set[str]) -> bool:
    """Whether a lower-case text may speak of an error in another language than English, by a look at its words."""
    return (
        not flat.isascii()
        or not _FOREIGN.isdisjoint(words)
        or ("error" in words and not _OF.isdisjoint(words))
        or ("529" in words and not _NAMES.isdisjoint(words))
    )


def status_at(flat: str, start: int, words: set[str]) -> bool:
    """Whether the number that begins there is given as the status of an answer, in whatever language."""
    end, reach = start + 3, max(0, start - _REACH)
    unique = flat.startswith("529", start)  # every web service has the others
    if _PLACE.search(flat, max(0, start - 16), start) or (not unique and _NAMES.isdisjoint(words)):
        return False
    return bool(
        _BEFORE.search(flat, reach, start)
        or _AFTER.match(flat, end, end + _REACH)
        or (unique and _ENDS.match(flat, end) and _ASKED.search(flat, reach, start))
    )


def api_error(flat: str) -> bool:
    """Whether it has Claude Code's words for an error, and the status behind them, in another language."""
    if "api" not in flat:
        return False
    starts = (found.start() for found in islice(_NUMBER.finditer(flat), _MOST))
    return any(_API_BEFORE.search(flat, max(0, start - _REACH), start) for start in starts)


def failed(flat: str, words: set[str]) -> bool:
    """Whether it has a word for an error in another language."""
    return not _FOREIGN.isdisjoint(words) or (not flat.isascii() and any(stem in flat for stem in _STEMS))
