"""PURE. Search folding: removes case, accents and marks, so that "Joao" finds "João" and "walesa" "Wałęsa".

static/js/state/fuzzy-search.js has the same table; tests/golden/folding.json keeps the two equal.
"""

import unicodedata

FOLDS = str.maketrans(
    {
        **{
            "ł": "l",
            "ø": "o",
            "đ": "d",
            "ð": "d",
            "ħ": "h",
            "ŧ": "t",
            "ɨ": "i",
            "ı": "i",
            "ŋ": "n",
            "ĸ": "k",
            "ə": "e",
            "ɓ": "b",
            "ɗ": "d",
            "ƙ": "k",
        },
        **{"þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ς": "σ"},
        **dict.fromkeys("\u2018\u2019\u02bc\u02bb", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013", "-"),
    }
)
"""Letters without a decomposition, as typed without them; typographic apostrophes and dashes."""


def search_key(*texts: str) -> str:
    # Folded twice: decomposing brings capitals back ("℡" becomes "TEL").
    decomposed = unicodedata.normalize("NFKD", " ".join(texts).casefold()).casefold().translate(FOLDS)
    return "".join(char for char in decomposed if not unicodedata.combining(char) and char != "\0")
