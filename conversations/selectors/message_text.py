"""The readable text of a message, under the name by which selectors and services import it.

The function is in `models`, because the journal and the serializers ask it, too.
"""

from conversations.models.message_text import HasText, text_of, words_of

__all__ = ["HasText", "text_of", "words_of"]
