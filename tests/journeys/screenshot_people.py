"""The people in the screenshots and their messages: fixed names, texts and times, in several scripts."""

from datetime import UTC, datetime

NOW = datetime(2026, 11, 19, 14, 12, tzinfo=UTC)
"""The time in the screenshots.

The clocks of server and browsers are set to it, so that each run gives the same images.
"""

Lines = list[tuple[int, str, str]]

NAMES = {
    "ana": "Ana Vale",
    "theo": "Theo Lindqvist",
    "marta": "Marta Oliveira",
    "ilya": "Илья Воронцов",
    "joana": "Joana Prado",
    "noor": "نور حداد",
    "sam": "Sam Whitfield",
    "lena": "Лена Соколова",
    "pedro": "Pedro Amaral",
    "tomas": "Tomás Rey",
    # Without a chat.
    "bia": "Beatriz Nogueira",
    "dlund": "Dmitri Lund",
    "nova": "Nova Reis",
}
ABOUT = {
    "theo": "Maps, ferries, too many bicycles.",
    "marta": "Cozinho melhor do que canto.",
    "ilya": "Чиню старые радиоприёмники.",
    "joana": "Choir on Tuesdays.",
    "sam": "Mostly in the garden.",
    "lena": "Перевожу книги.",
}
COLOURS = {
    "ana": 5,
    "theo": 2,
    "ilya": 6,
    "joana": 8,
    "lena": 7,
    "noor": 3,
    "sam": 4,
    "marta": 1,
    "pedro": 5,
    "tomas": 4,
    "bia": 2,
    "dlund": 6,
    "nova": 3,
}

THEO: Lines = [
    (2_890, ">", "Safe travels! Write when you are on the other side."),
    (2_880, "<", "Will do. If there is a signal out there."),
    (1_140, "<", "Just got off the ferry. The light here is unreal at this hour."),
    (1_136, ">", "Is it the bay where we got lost that time?"),
    (1_135, "<", "😂😂"),
    (14, ">", "Morning! Are we still on for Friday?"),
    (13, ">", "I found the route we talked about: www.trails.example/long-loop"),
    (9, "<", "Yes! And I can drive, so no need to take the early train."),
    (8, "<", "Eleven kilometres, one steep bit, and an inn at the far end."),
    (6, ">", "You are the best."),
    (5, ">", "Then I’ll bring the good coffee ☕"),
]
MORE_OF_THEO: Lines = [
    (1, "<", "Deal ☺️ One question about the map though"),
    (
        1,
        "<",
        "The second fork, after the old mill: do we keep left? The signs contradict each other"
        " and last year half of the group ended up in the wrong valley.",
    ),
    (1, "<", "Nobody complained, there was a lake."),
    (
        1,
        "<",
        "I also have a spare tarp if the forecast holds."
        " It says rain from four, but it said that last time too.",
    ),
    (1, "<", "And look where we could sleep on the way back:"),
    (1, "<", "www.inn.example/the-old-mill"),
    (1, "<", "Two rooms left, breakfast from six."),
    (1, "<", "They keep bees."),
    (0, "<", "Say yes and I’ll call them before they close"),
    (0, "<", "The number on the page is from 1998, so I will simply walk past on my way home and knock."),
    (0, "<", "Do you still have my blue rucksack?"),
    (0, "<", "The one with the broken buckle"),
    (0, "<", "It is the only one that fits the stove, the map and the cake."),
    (0, "<", "There will be cake"),
    (0, "<", "Friday, seven, your door?"),
]
# Messages to Ana ("<") and from her (">") with their age in minutes, and how many she has not read.
CHATS: dict[str, tuple[Lines, int]] = {
    "tomas": (
        [
            (4_400, ">", "Train at nine, from the other platform"),
            (4_390, "<", "Perfect. See you on the other side"),
        ],
        0,
    ),
    "pedro": (
        [(1_700, "<", "Rehearsal moved to eight"), (1_690, ">", "Good, then I can eat something first")],
        0,
    ),
    "sam": (
        [(264, "<", "The quinces are ripe, come and get some"), (262, ">", "On Sunday, with a basket")],
        0,
    ),
    "noor": ([(189, "<", "تمام، نلتقي عند الساعة الخامسة")], 1),
    "lena": ([(117, ">", "Ты дочитала?"), (115, "<", "Почти. Конец такой, что не тороплюсь.")], 0),
    "joana": ([(32, "<", "Did the parcel come?"), (31, ">", "It is on the kitchen table")], 0),
    "marta": (
        [
            (1_520, "<", "Cheguei bem, a balsa atrasou só meia hora."),
            (1_518, ">", "Que bom! E o tempo aí?"),
            (1_515, "<", "Sol e vento. Já estou com areia no café 😄"),
            (62, ">", "Achei a receita da tua avó, aquela do bolo de fubá."),
            (61, ">", "Estava dentro do livro de geografia."),
            (40, "<", "Não acredito. Manda uma foto?"),
            (38, "<", "Ou melhor: faz o bolo sábado e eu levo o café."),
            (31, ">", "Combinado. Às quatro?"),
            (30, "<", "Às quatro em ponto."),
        ],
        0,
    ),
    "ilya": (
        [
            (1_480, "<", "Привет! Посылка пришла, всё цело."),
            (1_476, ">", "Ура. Я боялась за лампы."),
            (1_470, "<", "Лампы живы, одна даже светится."),
            (70, ">", "И как он звучит?"),
            (66, "<", "Как в детстве. Поймал Лиссабон, представляешь?"),
            (65, "<", "Там как раз играли фаду."),
            (58, ">", "Запиши мне минуту, пожалуйста"),
            (22, "<", "Вечером запишу и пришлю."),
            (21, "<", "Лена тоже хочет послушать."),
            (20, "<", "Скинь, пожалуйста, адрес ещё раз"),
        ],
        3,
    ),
    "theo": (THEO, 0),
}
REPLIES = {"Combinado. Às quatro?": 7}
"""Which message of its chat a line answers."""
