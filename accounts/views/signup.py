"""Sign-up view: allauth's, extended with errors that occur while saving."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth
from django.core.exceptions import ValidationError
from django.http import HttpResponse


class SignupView(allauth.SignupView):  # type: ignore[misc]
    """Saving a valid form can still fail: a concurrent request took the username or accepted the invite."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except ValidationError as refusal:
            form.add_error(None, refusal)
            response = self.form_invalid(form)
        return response


signup = SignupView.as_view()
