"""`manage.py makemessages`: Django's command, set up for both catalogues, all languages, and `t("…")` in the
scripts.

Needs gettext, so only developers run it; the service reads the compiled catalogues in `locale/`.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages
from django.utils.translation import to_locale

DATE_LINE = '"POT-Creation-Date:'
NOT_OURS = ["tests", "benchmarks", "staticfiles", "test-output", "node_modules", "htmlcov", "deploy", "docs"]
KEYWORDS: dict[str, list[str]] = {"django": [], "djangojs": ["--keyword=t"]}


class Command(makemessages.Command):
    help = "Collects the texts of templates, Python and JavaScript into locale/, for every language."

    def handle(self, *args: Any, **options: Any) -> None:
        # A fuzzy match from a similar text would be shown as if it were a translation.
        self.msgmerge_options = [*self.msgmerge_options, "--no-fuzzy-matching", "--sort-output"]
        self.msgattrib_options = [*self.msgattrib_options, "--sort-output"]
        others = [to_locale(code) for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
        options |= {"locale": options["locale"] or others, "no_location": True, "no_obsolete": True}
        plain = self.xgettext_options
        for domain, keywords in KEYWORDS.items():
            self.xgettext_options = [*plain, *keywords]
            super().handle(
                *args,
                **options | {"domain": domain, "ignore_patterns": [*options["ignore_patterns"], *NOT_OURS]},
            )

    def write_po_file(self, potfile: str, locale: str) -> None:
        """Without the creation date, so that a second run changes nothing."""
        super().write_po_file(potfile, locale)
        written = Path(potfile).parent / locale / "LC_MESSAGES" / f"{self.domain}.po"
        lines = written.read_text().splitlines(keepends=True)
        written.write_text("".join(line for line in lines if not line.startswith(DATE_LINE)))
