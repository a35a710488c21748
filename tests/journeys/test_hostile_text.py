"""Hostile names and messages (markup, bidi controls, endless words) are shown as text and break no page."""

from unicodedata import normalize

from playwright.sync_api import expect

from tests.journeys.conftest import VisitorMaker
from tests.journeys.visitors import expect_no_overflow, start_chat

MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
RIGHT_TO_LEFT = "\u202egnp.exe\u202c and \u2067مرحبا"
ARABIC = "عبد الرحمن بن محمد"
HOSTILE = f"{ARABIC} {MARKUP[:30]}"
MESSAGES = {
    "markup": f"{MARKUP}<svg/onload=alert(3)>{{{{7*7}}}}${{alert(4)}}",
    "comment": "<!-- --><template><li data-id=1></template></textarea></script><h1>Bank</h1>",
    "one long word": "w" * 5_000,
    "right to left": f"{RIGHT_TO_LEFT} \u202d0123",
    "zalgo, as much as is let through": "Z" + "\u0351\u0317\u0300" * 3 + "algo",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈👍🏽" * 70,
    "not a link": "javascript:alert(5) data:text/html,<script>alert(6)</script>"
    " vbscript:x file:///etc/passwd",
    "false host": "https://bank.example@evil.example/ https://аpple.com/",
}
PLAIN = 'mail to bob@example.org or see (https://example.org/a_(b)?q="1").'


# Names outside of <bdi> or dir=auto, whose direction would change the text beside them.
OUTSIDE_BDI = """(name) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.parentElement;
        const isRead = !at.closest("script, template, .sr-only, [inert], textarea") && at.checkVisibility();
        const isOutside = node.data.includes(name) && !at.closest("bdi, [dir=auto]");
        if (isRead && isOutside) found.push(at.outerHTML.slice(0, 200));
    }
    return found;
}"""


def test_hostile_messages_are_shown_as_text_to_both_users(visitor: VisitorMaker) -> None:
    alice, bob = visitor("alice", name=MARKUP[:50]), visitor("bob", name=ARABIC)
    room = start_chat(alice, bob)
    alice.open(room)
    bob.open(room)
    for body in (*MESSAGES.values(), PLAIN):
        alice.box.fill(body)
        alice.box.press("Control+Enter")
    # A page loaded before they are stored would draw the pending ones a moment later.
    expect(alice.page.locator('[data-view="timeline"] > li[data-state="pending"]')).to_have_count(0)
    for person in (alice, bob):
        expect(person.bodies()).to_have_count(len(MESSAGES) + 1)
        for page in ("live", "drawn by the server"):
            if page != "live":
                person.page.reload()
                person.until_ready()
            drawn = person.bodies().all_text_contents()
            assert len(drawn) == len(MESSAGES) + 1
            # A host in mixed scripts is shown as punycode; everything else is unchanged.
            shown = [
                body.replace("https://аpple.com/", "https://xn--pple-43d.com/") for body in MESSAGES.values()
            ]
            # Compared one by one: pytest would explain a difference of whole lists for too long.
            wrong = [
                name
                for name, body, seen in zip(MESSAGES, shown, drawn, strict=False)
                if normalize("NFC", body) != seen
            ]
            assert wrong == []
            assert drawn[-1] == PLAIN
            expect(person.page.locator('[data-part="body"] :not(a)')).to_have_count(0)
            hrefs = person.page.locator('[data-part="body"] a').evaluate_all(
                "(all) => all.map((a) => [a.protocol, a.rel, a.target])"
            )
            assert hrefs, "no links found"
            for protocol, rel, target in hrefs:
                assert protocol in {"https:", "mailto:"}
                assert {"noopener", "noreferrer", "nofollow", "ugc"} <= set(rel.split())
                assert target == "_blank"
            for width in (320, 1280):
                person.page.set_viewport_size({"width": width, "height": 700})
                expect_no_overflow(person.page)
                outside = person.bodies().evaluate_all(
                    "(all) => all.filter((body) => body.getBoundingClientRect().right > innerWidth + 1"
                    " || body.scrollWidth > body.clientWidth + 1).length"
                )
                assert outside == 0, "a text overflows its bubble"


def test_hostile_and_right_to_left_names_are_shown_as_text_on_every_page(visitor: VisitorMaker) -> None:
    """Such a name changes neither the direction of the text beside it nor the width of the page.

    A name is in a <bdi>, so that a number or a word beside it keeps its direction.
    """
    narrow = {"width": 320, "height": 700}
    alice, bob = visitor("alice", name=HOSTILE, viewport=narrow), visitor("bob", viewport=narrow)
    carol = visitor("carol", viewport=narrow, signed_up=False)
    room = start_chat(alice, bob)
    alice.send(room, MARKUP)
    link = alice.create_invite(f"{ARABIC} {MARKUP}")["url"]
    places = (
        (bob, "/chats/"),
        (bob, f"/people/?q={alice.username}"),
        (bob, f"/chats/with/{alice.username}/"),
        (bob, link),
        (bob, f"/chats/{room}/"),
        (carol, link),
        (alice, "/chats/"),
        (alice, link),
        (alice, "/settings/profile/"),
        (alice, "/settings/"),
        (alice, "/invites/"),
    )
    for person, address in places:
        person.page.goto(address)
        person.until_idle()
        if address != "/settings/profile/":
            expect(person.page.get_by_text(HOSTILE).first).to_be_attached()
        expect_no_overflow(person.page)
        assert person.page.evaluate(OUTSIDE_BDI, HOSTILE) == [], address
    expect(alice.page.locator("bdi", has_text=MARKUP).first).to_be_attached()
    expect(carol.page.locator("h1")).to_contain_text(HOSTILE)
    expect(bob.page.locator("h1")).to_contain_text(HOSTILE)
    assert HOSTILE in bob.page.title()
    bob.write("Z" + "\u0351\u0317\u0300" * 60)
    expect(bob.page.locator('li[data-state="failed"]')).to_contain_text(
        "Not sent. The text contains characters that can’t be sent."
    )
    # The quick switcher leaves out the open chat, so it is opened from the list.
    bob.page.get_by_role("link", name="Back to the chats").click()
    bob.until_lazy_parts_loaded()
    bob.page.keyboard.press("Control+k")
    expect(bob.page.get_by_role("option", name=HOSTILE)).to_be_visible()
    assert bob.page.evaluate(OUTSIDE_BDI, HOSTILE) == []
    expect(bob.page.get_by_role("combobox")).to_have_attribute("dir", "auto")

    # A name and a note without a space fit into the invite card, too.
    alice.person.post_form("/settings/profile/", name="W" * 50, username=alice.username)
    endless = alice.create_invite("n" * 80)["url"]
    for person in (carol, bob):
        person.page.goto(endless)
        expect(person.page.locator("h1")).to_contain_text("W" * 50)
        expect_no_overflow(person.page)
    expect(
        bob.page.get_by_role("button", name="Open the chat").or_(
            bob.page.get_by_role("link", name="Open the chat")
        )
    ).to_be_visible()
