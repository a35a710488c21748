"""Responses of the settings forms: a redirect or a page for browsers, 204 or JSON errors for scripts."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse


def see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=HTTPStatus.SEE_OTHER)


def is_from_script(request: HttpRequest) -> bool:
    """Scripts accept JSON."""
    return request.headers.get("Accept", "").startswith("application/json")


def saved_response() -> HttpResponse:
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def errors_response(form: forms.Form, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> HttpResponse:
    """The same error messages as on the page, by field."""
    errors = {name: [str(message) for message in messages] for name, messages in form.errors.items()}
    return JsonResponse({"errors": errors}, status=status)
