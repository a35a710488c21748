"""Sign-up: allauth's view, with one more refusal."""

from __future__ import annotations

from typing import Any

from allauth.account import views as allauth
from django.core.exceptions import ValidationError
from django.http import HttpResponse


class SignupView(allauth.SignupView):  # type: ignore[misc]
    """What the form found right may be refused at the moment of storing: a name taken in between, an invite spent in between."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except ValidationError as refusal:
            form.add_error(None, refusal)
            response = self.form_invalid(form)
        return response


signup = SignupView.as_view()
