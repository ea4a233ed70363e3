"""Statuses in sentences of other languages than English."""

import time

import pytest

from seawall.causes.extract import Part, read
from seawall.causes.languages import failed
from seawall.causes.verdict import Confidence, explain

OVERLOADED = """
Error de API: 529 Sobrecargado
Claude devolvió un error 529 (sobrecargado)
La API de Anthropic devolvió 529.
Erreur API : 529 Surchargé
Erreur de l'API Anthropic : 529
L'API a renvoyé le code d'erreur 529
Fehler: API-Fehler 529: überlastet. Anthropic
API-Fehler: 529 Überlastet
Claude meldet Fehler 529: Überlastet
Erro de API: 529 Sobrecarregado
A API da Anthropic retornou o código 529
Errore API: 529 Sovraccarico
L'API ha restituito 529
Ошибка API: 529 Перегружено
API вернул ошибку 529
API 错误：529 过载
Claude 返回 529 错误
错误码529
API返回了529
APIエラー: 529 過負荷
Claude から 529 エラーが返されました
API 오류: 529 과부하 (Anthropic)
오류 529
API Hatası: 529 Aşırı Yüklü
API hatasi 529
Błąd API: 529 Przeciążony
Błąd interfejsu API: 529
API fout: 529 overbelast
""".strip().splitlines()


@pytest.mark.parametrize("text", OVERLOADED)
def test_a_529_is_known_in_any_language(text):
    """Words around the number do not take away what it says alone."""
    found = explain(text)
    assert found.cause == "provider.overloaded"
    assert found.confidence is Confidence.LIKELY
    assert explain("│ ⎿ " + text.replace(" ", "\n│   ") + " │").cause == "provider.overloaded"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ошибка API: 500 Внутренняя ошибка сервера", "provider.internal_server_error"),
        ("Error de API: 500 Error interno del servidor", "provider.internal_server_error"),
        ("Anthropic 错误 500", "provider.internal_server_error"),
        ("API 错误：429 请求过多", "provider.rate_limited_unspecified"),
        ("Fehler: API-Fehler 429: zu viele Anfragen", "provider.rate_limited_unspecified"),
        ("API エラー: 503 サービス利用不可", "provider.service_unavailable"),
        ("API 오류: 502 잘못된 게이트웨이", "provider.bad_gateway"),
        ("Erreur API : 504", "provider.gateway_timeout"),
        ("Erro de API: 413", "request.request_too_large"),
        ("API Hatası: 403", "account.permission_denied"),
    ],
)
def test_other_statuses_are_known_beside_the_api_or_a_name_of_the_service(text, code):
    """As `API Error: 500` is."""
    assert explain(text).cause == code


@pytest.mark.parametrize(
    "text",
    [
        "Error en la línea 529",
        "错误：第529行",
        "Fehler in Zeile 529",
        "Erreur à la ligne 529 du fichier",
        "Errore nella riga 529",
        "Error: Claude no encontró la línea 529.",
        "Claude hat 529 Dateien geändert",
        "Claude изменил 529 файлов",
        "API имеет 529 методов",
        "完成 529 个测试",
        "The API has 529 endpoints.",
        "Claude, fix line 529.",
        "Ошибка 404: страница не найдена",
        "Fehler 1529: überlastet",
        "Fehler 529,5 beim Messen",
    ],
)
def test_a_number_that_is_no_status_is_none(text):
    """Lines, files, pages of others, and parts of longer numbers."""
    assert Part(read(text).flat).statuses == ()
    assert explain(text).cause in ("unknown.unknown", "unrelated.unrelated")


def test_that_something_failed_is_known_in_any_language():
    """So nobody is told that nothing failed."""
    for text in ("Ошибка Claude", "Claude: ein Fehler", "Claude 出错了", "hatası", "オエラー"):
        facts = read(text)
        assert failed(facts.flat, facts.whole.words)
    facts = read("Alles gut, schönen Tag")
    assert not failed(facts.flat, facts.whole.words)


@pytest.mark.parametrize(
    "piece",
    ["错误 500 ", "529 ", "fehler api ", "api a b 529 x", "é 500", "错误码码码", "błąd ż ", "error 500 "],
)
def test_long_texts_in_other_languages_take_a_moment(piece):
    """A quarter of a million characters; three seconds leave room for a busy machine."""
    text = piece * (260_000 // len(piece))
    began = time.process_time()
    explain(text)
    assert time.process_time() - began < 3
