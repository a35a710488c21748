"""The two ways a form of the settings is answered: with a page, or in a word to a script that turned one control."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse


def see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER)


def is_from_script(request: HttpRequest) -> bool:
    """Scripts ask for no page."""
    return request.headers.get("Accept", "").startswith("application/json")


def saved_response() -> HttpResponse:
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def errors_response(form: forms.Form, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> HttpResponse:
    """The sentences that the page would show, by field."""
    errors = {name: [str(sentence) for sentence in sentences] for name, sentences in form.errors.items()}
    return JsonResponse({"errors": errors}, status=status)
