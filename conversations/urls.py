"""The HTTP map of chats, people and invites."""

from django.urls import URLPattern, URLResolver, path

from conversations.api import api
from conversations.views import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.landing, name="landing"),
    path("chats/", pages.inbox, name="inbox"),
    path("chats/with/<str:username>/", pages.chat_with, name="chat_with"),
    path("chats/<str:room_name>/", pages.conversation, name="conversation"),
    path("people/", pages.people, name="people"),
    path("api/v1/", api.urls),
]
