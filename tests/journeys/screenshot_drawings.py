"""Files that the people of the screenshots send each other; all pictures are drawn here."""

import io
from functools import cache
from random import Random

from PIL import Image, ImageDraw

from tests.journeys.screenshot_session import ScreenshotSession
from tests.journeys.sent_files import PEAKS, VOICE, add_still, send_files, upload

PEER = "pedro"
BANDS = 9
SKIES = [
    ((58, 64, 104), (246, 170, 110)),
    ((44, 90, 130), (190, 220, 226)),
    ((96, 60, 110), (240, 150, 140)),
    ((30, 60, 80), (120, 180, 170)),
]


@cache
def landscape(width: int, height: int, number: int) -> bytes:
    """A sky in a few bands (a smooth one would make large screenshots), a sun, hills and water."""
    dice, (top, end) = Random(number), SKIES[number % len(SKIES)]
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for band in range(BANDS):
        share = band / (BANDS - 1)
        colour = tuple(round(a + (b - a) * share) for a, b in zip(top, end, strict=True))
        draw.rectangle([0, height * band // BANDS, width, height], fill=colour)
    sun, across = min(width, height) * 0.11, width * (0.3 + 0.4 * dice.random())
    draw.ellipse([across - sun, height * 0.5 - sun, across + sun, height * 0.5 + sun], fill=(255, 240, 205))
    for depth, hill in enumerate([(86, 84, 116), (46, 66, 92)]):
        left = width * (dice.random() * 0.6 - 0.2 + 0.4 * depth)
        draw.ellipse([left, height * (0.52 + 0.06 * depth), left + width * 0.8, height * 1.1], fill=hill)
    draw.rectangle([0, height * 0.78, width, height], fill=(34, 52, 70))
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return data.getvalue()


@cache
def send_pictures(session: ScreenshotSession) -> None:
    room, ana, peer = session.rooms[PEER], session.ana.person, session.people[PEER].person
    pier = upload(peer, landscape(640, 420, 0), "pier.png", "picture", alt="The pier at dusk")
    seq = send_files(peer, room, pier, body="This is from the pier, ten minutes ago")
    send_files(ana, room, body="Oh, that is beautiful. Is it the bay where we got lost?", reply_to=seq)
    several = [upload(peer, landscape(600, 600, one), f"bay-{one}.png", "picture") for one in range(1, 8)]
    read = send_files(peer, room, *several)
    assert ana.api("PUT", f"/conversations/{room}/receipt", {"delivered": read, "read": read}).is_success


@cache
def send_all_kinds(session: ScreenshotSession) -> None:
    send_pictures(session)
    room, ana, peer = session.rooms[PEER], session.ana.person, session.people[PEER].person
    send_files(ana, room, upload(ana, VOICE, "voice.webm", "voice", seconds=24, peaks=PEAKS))
    clip = upload(peer, VOICE, "ferry.webm", "video", seconds=12)
    add_still(peer, clip, landscape(320, 180, 1))
    send_files(peer, room, clip, body="And the ferry")
    route = upload(peer, b"%PDF-1.4" * 70_000, "Route of the long loop, Serra Azul.pdf", "file")
    read = send_files(peer, room, route)
    send_files(ana, room, upload(ana, b"MZ" * 5_000, "map-setup.exe", "file"), body="The map as a program")
    assert ana.api("PUT", f"/conversations/{room}/receipt", {"delivered": read, "read": read}).is_success
