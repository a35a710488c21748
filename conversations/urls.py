"""URL patterns of chats, people, invites and the HTTP API."""

from django.urls import URLPattern, URLResolver, path

from conversations.api import api
from conversations.api.openapi import document
from conversations.api.problems import unknown_route
from conversations.views import files, invites, pages
from conversations.views.chat_files import chat_files
from conversations.views.message_menu import message_menu

urlpatterns: list[URLPattern | URLResolver] = [
    path("", pages.landing, name="landing"),
    path("chats/", pages.inbox, name="inbox"),
    path("chats/with/<str:username>/", pages.chat_with, name="chat_with"),
    path("chats/<str:room_name>/", pages.conversation, name="conversation"),
    path("chats/<str:room_name>/<int:seq>/", message_menu, name="message_menu"),
    path("chats/<str:room_name>/files/", chat_files, name="chat_files"),
    path("chats/<str:room_name>/reopen/", pages.reopen, name="conversation_reopen"),
    path("files/<uuid:id>/display", files.display, name="file_display"),
    path("files/<uuid:id>/thumb", files.thumb, name="file_thumb"),
    path("files/<uuid:id>/media", files.media, name="file_media"),
    path("files/<uuid:id>/<str:name>", files.download, name="file_download"),
    path("people/", pages.people, name="people"),
    path("api/v1/openapi.json", document, name="openapi"),
    path("api/v1/", api.urls),
    path("api/v1/<path:rest>", unknown_route),
    # Invites
    path("invites/", invites.invites, name="invites"),
    path("invites/dialog/", invites.dialog, name="invite_dialog"),
    path("invites/<uuid:invite_id>/qr.svg", invites.qr, name="invite_qr"),
    path("invites/<uuid:invite_id>/revoke/", invites.revoke, name="invite_revoke"),
    path("invites/<uuid:invite_id>/change/", invites.change, name="invite_change"),
    path("invites/<uuid:invite_id>/undo/", invites.undo, name="invite_undo"),
    path("i/<str:token>/", invites.landing, name="invite_landing"),
]
