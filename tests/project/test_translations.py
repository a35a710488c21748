"""The Russian and Portuguese catalogues are complete.

Texts are found without gettext, which few machines have: a failure names the texts for which `make messages`
was not run.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import ngettext, to_locale
from django.utils.translation.template import templatize

from accounts.models import User
from conversations.templatetags.moments import ago, localized, relative
from conversations.views.client_texts import catalog
from tests.factories import make_conversation

ROOT = Path(settings.BASE_DIR)
LOCALES = [to_locale(code) for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
DOMAINS = ["django", "djangojs"]
FORMS = {"ru": 3, "pt_BR": 2}
WORD = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
CALL = re.compile(rf"(\b\w*gettext|\b_)\(((?:u?(?:{WORD})|[\s,]|count)+)\)")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")

Text = tuple[str | None, str]
"""Context and English."""


# --- Texts in the sources ---


def in_javascript(source: str) -> Iterator[Text]:
    for text in re.findall(rf"(?<!\w)t\(\s*({WORD})", source):
        yield None, ast.literal_eval(text)


def in_template(source: str) -> Iterator[Text]:
    for call in CALL.finditer(templatize(source)):
        assert "pgettext" not in call[1], "this test does not support contexts yet"
        yield None, ast.literal_eval(re.findall(WORD, call[2])[0])


def in_python(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        texts = [
            argument.value
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        if node.func.id in {"pgettext", "pgettext_lazy"}:
            yield texts[0], texts[1]
        elif node.func.id in {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"} and texts:
            yield None, texts[0]


PLACES: dict[str, dict[str, Callable[[str], Iterator[Text]]]] = {
    "djangojs": {"static/js/**/*.js": in_javascript},
    "django": {
        "templates/**/*.html": in_template,
        "templates/**/*.txt": in_template,
        "accounts/templates/**/*.html": in_template,
        "accounts/**/*.py": in_python,
        "conversations/**/*.py": in_python,
        "dm_project/**/*.py": in_python,
    },
}


def every_text(domain: str) -> set[Text]:
    return {
        text
        for glob, find in PLACES[domain].items()
        for path in ROOT.glob(glob)
        for text in find(path.read_text())
    }


# --- The catalogues ---


def po_path(locale: str, domain: str) -> Path:
    return ROOT / "locale" / locale / "LC_MESSAGES" / f"{domain}.po"


def entries(locale: str, domain: str) -> dict[Text, polib.POEntry]:
    return {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(po_path(locale, domain)))}


def forms_of(entry: polib.POEntry) -> list[str]:
    return (
        [entry.msgstr_plural[number] for number in sorted(entry.msgstr_plural)]
        if entry.msgid_plural
        else [entry.msgstr]
    )


def placeholders(text: str) -> list[str]:
    return sorted(set(PLACEHOLDER.findall(text)))


def asserted_empty(found: Iterable[Text]) -> None:
    texts = [text for _context, text in found]
    assert not texts, f"run 'make messages' and translate: {texts[:5]}"


@pytest.mark.parametrize("domain", DOMAINS)
def test_texts_are_found(domain: str) -> None:
    assert len(every_text(domain)) > 25


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("domain", DOMAINS)
class TestCatalogue:
    def test_has_every_text_and_no_other(self, locale: str, domain: str) -> None:
        wanted, known = every_text(domain), entries(locale, domain)
        asserted_empty(wanted - known.keys())
        asserted_empty(known.keys() - wanted)

    def test_translates_every_text(self, locale: str, domain: str) -> None:
        known = entries(locale, domain)
        asserted_empty(
            [
                text
                for text, entry in known.items()
                if entry.fuzzy or entry.obsolete or not all(forms_of(entry))
            ]
        )
        asserted_empty(
            [
                text
                for text, entry in known.items()
                if entry.msgid_plural and len(forms_of(entry)) != FORMS[locale]
            ]
        )

    def test_keeps_every_placeholder_of_the_english_text(self, locale: str, domain: str) -> None:
        for text, entry in entries(locale, domain).items():
            for form in forms_of(entry):
                assert placeholders(form) == placeholders(entry.msgid_plural or entry.msgid), text
                assert re.findall(r"</?\w+", form) == re.findall(r"</?\w+", entry.msgid), text

    def test_has_no_exclamation_marks_and_uses_its_own_quotation_marks(
        self, locale: str, domain: str
    ) -> None:
        for text, entry in entries(locale, domain).items():
            prose = re.sub(r'<[^>]*>|"%', "", " ".join(forms_of(entry)))
            assert not re.search(r'[!"]' if locale == "pt_BR" else r'[!"“”]', prose), text

    def test_the_compiled_catalogue_is_up_to_date(self, locale: str, domain: str) -> None:
        path = po_path(locale, domain)
        compiled = {
            (entry.msgctxt, entry.msgid): forms_of(entry)
            for entry in polib.mofile(str(path.with_suffix(".mo")))
        }
        assert compiled == {text: forms_of(entry) for text, entry in entries(locale, domain).items()}


@pytest.mark.parametrize("locale", LOCALES)
def test_javascript_gets_every_plural_form(locale: str) -> None:
    counted = {
        english: translated
        for english, translated in catalog(translation.to_language(locale)).items()
        if "|" in english
    }
    assert counted
    for english, translated in counted.items():
        assert len(translated.split("|")) == FORMS[locale], english
        for form in translated.split("|"):
            assert placeholders(form) == placeholders(english)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_page_contains_only_our_texts(locale: str) -> None:
    assert catalog(translation.to_language(locale)).keys() == {
        english for _context, english in every_text("djangojs")
    }


# --- Translated pages ---


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["1 unread message", "3 unread messages", "5 unread messages", "21 unread messages"]),
        (
            "ru",
            [
                "1 непрочитанное сообщение",
                "3 непрочитанных сообщения",
                "5 непрочитанных сообщений",
                "21 непрочитанное сообщение",
            ],
        ),
        (
            "pt-br",
            [
                "1 mensagem não lida",
                "3 mensagens não lidas",
                "5 mensagens não lidas",
                "21 mensagens não lidas",
            ],
        ),
    ],
)
def test_plurals_follow_the_language(language: str, expected: list[str]) -> None:
    with translation.override(language):
        counts = (1, 3, 5, 21)
        assert [
            ngettext("%(number)s unread message", "%(number)s unread messages", n) % {"number": n}
            for n in counts
        ] == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            [
                "21 November",
                "21 November 2026",
                "21 November 2026, 14:07",
                "Today",
                "Yesterday",
                "3 days ago",
            ],
        ),
        ("ru", ["21 ноября", "21 ноября 2026", "21 ноября 2026, 14:07", "Сегодня", "Вчера", "3 дня назад"]),
        (
            "pt-br",
            [
                "21 de novembro",
                "21 de novembro de 2026",
                "21 de novembro de 2026, 14:07",
                "Hoje",
                "Ontem",
                "há 3 dias",
            ],
        ),
    ],
)
def test_dates_follow_the_language(language: str, expected: list[str]) -> None:
    moment, now = datetime(2026, 11, 21, 14, 7, tzinfo=UTC), timezone.now()
    with translation.override(language):
        dated = [localized(moment, form) for form in ("day", "date", "moment")]
        assert [
            *dated,
            relative(now, "date"),
            relative(now - timedelta(days=1), "date"),
            ago(now - timedelta(days=3, hours=5)),
        ] == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["just now", "1 minute ago", "9 minutes ago", "1 hour ago", "23 hours ago"]),
        ("ru", ["только что", "1 минуту назад", "9 минут назад", "1 час назад", "23 часа назад"]),
        ("pt-br", ["agora mesmo", "há 1 minuto", "há 9 minutos", "há 1 hora", "há 23 horas"]),
    ],
)
def test_relative_times_follow_the_language(language: str, expected: list[str]) -> None:
    now = timezone.now()
    with translation.override(language):
        ages = [
            timedelta(),
            timedelta(minutes=1),
            timedelta(minutes=9),
            timedelta(hours=1),
            timedelta(hours=23, minutes=59),
        ]
        assert [ago(now - age - timedelta(seconds=1)) for age in ages] == expected


def test_an_anonymous_page_is_in_the_language_of_the_browser(client: Client, db: None) -> None:
    for asked, lang in (("pt-PT,pt;q=0.9", "pt-BR"), ("ru-RU,ru;q=0.9", "ru"), ("de", "en")):
        assert f'<html lang="{lang}"' in client.get("/", headers={"accept-language": asked}).text


def test_a_chosen_language_overrides_the_browsers(client: Client, db: None) -> None:
    client.get("/language/ru/?next=/")
    page = client.get("/accounts/login/", headers={"accept-language": "pt-BR"}).text
    assert '<html lang="ru"' in page
    assert "С возвращением" in page


def test_alice_finds_her_language_on_another_device(client: Client, alice: User) -> None:
    alice.profile.language = "pt-br"
    alice.profile.save()
    client.post(
        "/accounts/login/",
        {"login": "alice", "password": "correct horse battery"},
        headers={"accept-language": "ru"},
    )
    assert '<html lang="pt-BR"' in client.get("/people/").text


def test_a_changed_language_is_confirmed_in_that_language(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.post("/settings/appearance/", {"theme": "auto", "language": "ru"}, follow=True)
    assert "Сохранено" in page.text


def test_the_texts_of_a_chats_modules_are_in_the_language_of_its_page(
    client: Client, alice: User, bob: User
) -> None:
    room = make_conversation(alice, bob).room_name
    client.force_login(alice)
    page = client.get(f"/chats/{room}/", headers={"accept-language": "ru"})
    assert page.context["page_data"]["strings"]["Sending…"] == "Отправляется…"
