"""The picturebook's stories and questions: words, what their pictures show, and reading words back.

A story has four pages: a hero with a wish, a friend met on the way, the thing found, and home. Sentences
come from patterns like "(One day|Once), {hero} met {friend} {place}.", which serve both ways: chance picks
among alternatives to write, and the same pattern as a regular expression reads a sentence back. A page's
picture shows its hero, and everything else that its words name, in the place that they name.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from functools import lru_cache

import scenes
from scenes import COLOURS, SUBJECTS, Dice, Thing

ANIMALS = SUBJECTS[:12]
FRIENDS = [*ANIMALS, "robot", "ghost", "snowman"]
WISHES = [
    "car", "boat", "rocket", "train", "balloon", "bicycle", "flower", "cactus", "mushroom", "tent", "apple",
    "banana", "cake", "pizza", "ice cream", "cup", "book", "key", "lamp", "guitar", "drum", "umbrella",
    "clock", "star", "moon", "sun", "crown", "gift",
]
NAMES = [
    "Pip", "Ruby", "Momo", "Otto", "Luna", "Max", "Nia", "Bo", "Tilly", "Sam", "Coco", "Finn", "Ida", "Leo",
    "Mila", "Nils", "Olga", "Rosa", "Tom", "Zoe",
]
# Places, and how one goes there.
TOWARDS = {
    "in a meadow": "to a meadow", "by the sea": "to the sea", "in the desert": "to the desert",
    "in the snow": "into the snow", "at night": "into the night", "in the forest": "to the forest",
    "in the city": "to the city", "in space": "into space", "on the beach": "to the beach",
}
HOMES = [place for place in TOWARDS if place != "at night"]

PROMPTS = [
    "(a story|the story|a tale) about {a_hero} who (looks for|wants|is looking for|searches for|dreams of) {a_wish}",
    "(a story|a tale) about {a_hero} who (meets|makes friends with) {a_friend} and finds {a_wish}",
    "(a story|a tale) about {a_hero} {home}( who (looks for|wants) {a_wish}|)",
    "(a story|a tale|tell me a story) about {a_hero}( and {a_wish}|)",
    "(tell me |)a story about {a_hero} (named|called) {name}( who (looks for|wants) {a_wish}|)",
    "{a_hero} (looks for|searches for|wants|finds) {a_wish}",
    "(a story|a tale) about {a_hero} and {a_friend}",
]
# A page's patterns. {hero} is "the red fox", "the fox", its name; {Hero} begins a sentence.
PAGES = [
    [
        "(Once upon a time|Once|Long ago|Many years ago), (there was|there lived) {a_hero}( called {name}| named {name}|) {home}. "
        "({Pron} (dreamed of|wanted|wished for|longed for)|More than anything, {pron} wanted) {a_wish}.",
        "(There once was|There was once) {a_hero}( called {name}| named {name}|) who lived {home}. "
        "(Every day|Every night|All day long), {pron} (dreamed of|thought of|wished for) {a_wish}.",
        "{Home}(,|) (there lived|there was|lived) {a_hero}( called {name}| named {name}|). "
        "(One day|One morning|One evening), {pron} (set out|went out|left) to find {a_wish}.",
        "{A_hero}( called {name}| named {name}|) lived {home}. "
        "(\"I (want|need|would love) {a_wish}(!|,)\" {pron} said.|One morning {pron} woke up and wanted {a_wish}.)",
        "(This is the story of|Here is the story of|Listen to the story of) {a_hero}( called {name}| named {name}|) {home} who "
        "(looked for|longed for|wanted|dreamed of) {a_wish}.",
    ],
    [
        "{There}, {hero} met {a_friend}. (\"(Come with me|Let us look together|I will help you)(!|,)\" said {friend}.|"
        "(Soon|At once) (they were|they became) (good |)friends.|{Friend} (was (kind|friendly|cheerful)|wanted to help).)",
        "{Hero} (went|walked|travelled|wandered) {towards}(| and met {a_friend}. (\"Hello(!|,)\" said {friend}.|They became friends.|"
        "{Friend} (knew the way|smiled)."
        ")|, (where|and there) {pron} met {a_friend}.)",
        "(On the way|One day|After a while|Soon|Before long), {hero} met {a_friend} {there}. (\"What are you looking for?\" asked {friend}.|"
        "(They|The two) (played|laughed|danced|sang) together.|\"(Please help me,|Will you help me?)\" said {hero}.)",
        "{There} (sat|stood|waited) {a_friend}. (\"(Hello|Good day)(!|,)\" said {hero}.|{Hero} (said hello|was not afraid|came closer).)",
        "{There}, {a_friend} (called|waved|sang) to {hero}. ({Friend} had seen (something|it) far away.|So they became friends.|"
        "\"(Follow me|Come along)(!|,)\" said {friend}.)",
    ],
    [
        "{There}, {hero} and {friend} (found|discovered|saw|spotted) {wish}( at last|).",
        "(Together|Side by side|Happily), {hero} and {friend} (went|travelled|walked|hurried) {towards}. (There was|There they found|And there was) {wish}!",
        "\"Look(!|,)\" (said|cried|called) {friend} {there}. {Hero} (looked up and saw|turned round and saw|could hardly believe it:) {wish}.",
        "{There}, {hero} (found|discovered|finally saw) {wish}( at last|). (What a day!|{Pron} was (so |very |)happy.|How {pron} (laughed|danced)!)",
        "{Hero} (went on|walked on|travelled on) {towards}. (And there it was|Suddenly, there it was|What a surprise): {wish}!",
        "{There}, {friend} (gave|showed|handed) {wish} to {hero}. (\"Thank you(!|,)\" said {hero}.|{Pron} was (so |very |)happy.)",
    ],
    [
        "{Hero} (took|brought|carried) {wish} (home|back home) {towards_home}. (The end.|{Pron} was happy( ever after| for ever|).|And {pron} (slept|smiled) all night.)",
        "(Back home|At home|Home again) {home}, {hero} (fell asleep|slept well|was happy|rested|smiled)( at last|). (The end.|What an adventure!|It had been a (long|wonderful|great) day.)",
        "(Back home|At home|Home again) {home}, {hero} and {friend} (shared|looked at|kept|played with) {wish}. (The end.|They were friends for ever.|They lived happily ever after.)",
        "(That evening|In the end|At last), {hero} was home {home} with {wish}. (The end.|{Pron} was (so |very |)happy.|What an adventure!)",
        "{Hero} and {friend} went (home|back home) {towards_home}. (The end.|They were friends for ever.|They lived happily ever after.)",
    ],
]


# ---- patterns --------------------------------------------------------------------------------------


@lru_cache(maxsize=None)
def _parsed(pattern: str):
    """A pattern as nested lists: a sequence of texts and of tuples of alternatives."""
    position = 0

    def sequence():
        nonlocal position
        found, text = [], ""
        while position < len(pattern) and pattern[position] not in "|)":
            if pattern[position] == "(":
                position += 1
                choices = [sequence()]
                while pattern[position] == "|":
                    position += 1
                    choices.append(sequence())
                position += 1
                found += [text, tuple(choices)]
                text = ""
            else:
                text += pattern[position]
                position += 1
        return [*found, text]

    return sequence()


def _written(tree, rng: random.Random) -> str:
    return "".join(x if isinstance(x, str) else _written(rng.choice(x), rng) for x in tree)


def shapes(pattern: str) -> int:
    """How many sentences a pattern makes, slots not counted."""

    def count(tree) -> int:
        product = 1
        for x in tree:
            product *= 1 if isinstance(x, str) else sum(map(count, x))
        return product

    return count(_parsed(pattern))


# ---- plots -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Being:
    """A subject and its colour."""

    subject: str
    colour: str | None = None

    def a(self) -> str:
        words = " ".join(filter(None, (self.colour, self.subject)))
        return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"

    def the(self, coloured: bool = True) -> str:
        return " ".join(filter(None, ("the", self.colour if coloured else None, self.subject)))


@dataclass(frozen=True)
class Plot:
    """What happens in a story; its words are another matter."""

    hero: Being
    wish: Being
    friend: Being
    places: tuple[str, str, str, str]
    name: str
    pronoun: str


@dataclass(frozen=True)
class Page:
    """A page's words, the beings that they name with the hero first, and the place."""

    text: str
    beings: tuple[Being, ...]
    place: str


def plot(seed: int, everything: bool = False) -> Plot:
    """A plot for training, in which held-out pairs never occur, or one of `everything`."""
    rng = Dice(seed, everything)

    def being(choices: list[str], coloured: float, beside: list[str]) -> Being:
        subject = rng.choice([
            s for s in choices
            if s not in beside and (everything or not any(scenes.held_out_pair(s, b) for b in beside))
        ])
        colours = [c for c in COLOURS if everything or not scenes.held_out(c, subject)]
        return Being(subject, rng.choice(colours) if rng.random() < coloured else None)

    hero = being(ANIMALS, 0.7, [])
    friend = being(FRIENDS, 0.35, [hero.subject])
    wish = being(WISHES, 0.3, [hero.subject, friend.subject])
    home = rng.choice(HOMES)
    met = rng.choice([p for p in TOWARDS if p != home])
    found = rng.choice([p for p in TOWARDS if p not in (home, met)])
    return Plot(
        hero, wish, friend, (home, met, found, home), rng.choice(NAMES), rng.choice(["he", "she"])
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _fill(pattern: str, plot: Plot, number: int, named: bool, rng: random.Random) -> str:
    """Words in a pattern's slots; each mention of the hero is chosen anew."""

    def hero() -> str:
        dice = rng.random()
        if named and dice < 0.45:
            return plot.name
        return plot.hero.the(coloured=dice < 0.85)

    def word(match: re.Match) -> str:
        slot = match[1]
        there = plot.places[number]
        text = dict(
            a_hero=plot.hero.a, a_friend=plot.friend.a, a_wish=plot.wish.a, hero=hero,
            friend=lambda: plot.friend.the(rng.random() < 0.7), wish=lambda: plot.wish.the(rng.random() < 0.7),
            name=lambda: plot.name, home=lambda: plot.places[0], pron=lambda: plot.pronoun,
            there=lambda: there, towards=lambda: TOWARDS[there], towards_home=lambda: TOWARDS[plot.places[0]],
        )[slot.lower()]()
        return _capital(text) if slot[0].isupper() else text

    return re.sub(r"\{(\w+)\}", word, pattern)


def _beings(pattern: str, plot: Plot) -> tuple[Being, ...]:
    """The hero, and who else a page's written-out pattern names."""
    low = pattern.lower()
    beings = [plot.hero]
    for role in ("wish", "friend"):
        if f"{{{role}}}" in low or f"{{a_{role}}}" in low:
            beings.append(getattr(plot, role))
    return tuple(beings)


def pattern_of(number: int, named: bool, rng: random.Random) -> str:
    """A page's sentences with alternatives chosen and slots still open."""
    while True:
        pattern = _written(_parsed(rng.choice(PAGES[number])), rng)
        if number > 0 or ("{name}" in pattern) == named:
            # A friend that was met is in the picture; a second page without one is no page.
            if number != 1 or "friend}" in pattern.lower():
                return pattern


@dataclass(frozen=True)
class Story:
    """A prompt and the pages told for it."""

    prompt: str
    pages: tuple[Page, ...]
    plot: Plot


def story(seed: int, everything: bool = False, telling: int = 0) -> Story:
    """A story from a seed; another telling says the same pages, with the same pictures, in other words."""
    what = plot(seed, everything)
    rng = random.Random(seed ^ 0x5EED)
    shown = [_beings(pattern_of(number, False, rng), what) for number in range(4)]
    rng = random.Random(f"{seed} {telling}")
    named = rng.random() < 0.35
    what = replace(what, name=rng.choice(NAMES), pronoun=rng.choice(["he", "she"]))
    pages = []
    for number, beings in enumerate(shown):
        pattern = pattern_of(number, named, rng)
        while _beings(pattern, what) != beings:
            pattern = pattern_of(number, named, rng)
        pages.append(Page(_fill(pattern, what, number, named, rng), beings, what.places[number]))
    return Story(prompt_for(what, named, rng), tuple(pages), what)


def prompt_for(what: Plot, named: bool, rng: random.Random) -> str:
    """A prompt that leaves some of a plot open."""
    while True:
        pattern = _written(_parsed(rng.choice(PROMPTS)), rng)
        if "{name}" not in pattern or named:
            return _fill(pattern, what, 0, False, rng)


def layout(beings: tuple[Being, ...], number: int) -> list[Thing]:
    """Where a page's beings stand: one in the middle, two side by side, a third above; on the first page
    the wish hangs above the hero, like a thought. Always the same spots, on whole codes."""
    if len(beings) == 1:
        spots, size = [(64, 72)], 76
    elif len(beings) == 2:
        spots, size = ([(64, 96), (64, 32)] if number == 0 else [(32, 72), (96, 72)]), 52
    else:
        spots, size = [(32, 88), (64, 32), (96, 88)], 50
    return [Thing(b.subject, b.colour, x, y, size) for b, (x, y) in zip(beings, spots)]


def scene(story: Story, number: int, seed: int) -> scenes.Scene:
    """A page's picture and what is to be seen in it; the same for every telling."""
    page = story.pages[number]
    things = layout(page.beings, number)
    picture = scenes.paint(things, page.place, random.Random(f"{seed} {number}"))
    return scenes.Scene(picture, page.text, things, page.place)


# ---- reading back ------------------------------------------------------------------------------------


def _either(words) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


_COLOUR = f"(?:{_either(COLOURS)} )?"
_SLOTS = {
    "a_hero": f"an? {_COLOUR}{_either(ANIMALS)}",
    "a_friend": f"an? {_COLOUR}{_either(FRIENDS)}",
    "a_wish": f"an? {_COLOUR}{_either(WISHES)}",
    "hero": f"(?:the {_COLOUR}{_either(ANIMALS)}|{_either(NAMES)})",
    "friend": f"the {_COLOUR}{_either(FRIENDS)}",
    "wish": f"the {_COLOUR}{_either(WISHES)}",
    "name": _either(NAMES),
    "home": _either(HOMES),
    "there": _either(TOWARDS),
    "towards": _either(TOWARDS.values()),
    "towards_home": _either(TOWARDS.values()),
    "pron": "(?:he|she)",
}


@lru_cache(maxsize=None)
def _expression(number: int) -> list[re.Pattern]:
    """A page's patterns as regular expressions; the nth slot of a kind is the group `kind_n`."""
    found = []
    for pattern in PAGES[number]:
        count = 0

        def text(literal: str) -> str:
            nonlocal count
            out = ""
            for piece in re.split(r"(\{\w+\})", literal):
                if piece.startswith("{"):
                    slot = piece[1:-1]
                    count += 1
                    body = _SLOTS[slot.lower()]
                    if slot[0].isupper():
                        body = f"(?i:{body[:1]}){body[1:]}" if body[0].isalpha() else f"(?i:{body})"
                    out += f"(?P<{slot.lower()}_{count}>{body})"
                else:
                    out += re.escape(piece)
            return out

        def regular(tree) -> str:
            return "".join(
                text(x) if isinstance(x, str) else "(?:" + "|".join(map(regular, x)) + ")" for x in tree
            )

        found.append(re.compile(regular(_parsed(pattern))))
    return found


def _being(phrase: str) -> Being | None:
    """"the red fox" → Being("fox", "red"); a name → None."""
    words = re.sub(r"^(an?|the) ", "", phrase, flags=re.I)
    if words in NAMES:
        return None
    first, _, rest = words.partition(" ")
    return Being(rest, first) if first in COLOURS else Being(words)


@dataclass(frozen=True)
class Read:
    """What a page's words say: the hero as first told or None, each being by its role, the place."""

    roles: dict[str, Being]
    name: str | None
    place: str | None


def read(text: str, number: int) -> Read | None:
    """Reads a page's words; None if no pattern makes them."""
    backwards = {towards: place for place, towards in TOWARDS.items()}
    for expression in _expression(number):
        match = expression.fullmatch(text)
        if not match:
            continue
        roles, name, place = {}, None, None
        for key, phrase in match.groupdict().items():
            if phrase is None:
                continue
            slot = key.rsplit("_", 1)[0]
            if slot in ("home", "there", "towards", "towards_home"):
                low = phrase[0].lower() + phrase[1:]
                place = backwards.get(low, low)
            elif slot == "name":
                name = phrase
            elif slot != "pron":
                being, role = _being(phrase), slot.removeprefix("a_")
                if being is None:
                    name = phrase
                    continue
                before = roles.get(role)
                if before and before.subject != being.subject:
                    return None  # one role, two beings
                if before is None or before.colour is None:
                    roles[role] = being
        if number == 1 and "friend" not in roles:
            return None
        return Read(roles, name, place)
    return None


# ---- questions about a scene -------------------------------------------------------------------------


def question(scene: scenes.Scene, rng: random.Random) -> tuple[str, str]:
    """A question about a picture, and its answer."""
    thing = rng.choice(scene.things)
    same = [t for t in scene.things if t.subject == thing.subject]
    kinds = ["there", "what"]
    if thing.colour:
        kinds += ["colour"] * 2
    if scene.place:
        kinds.append("place")
    if len(scene.things) > 1:
        kinds.append("count")
    kind = rng.choice(kinds)
    plural = scenes.PLURALS.get(thing.subject, thing.subject + "s")
    if kind == "colour":
        several = len(same) > 1
        return (
            f"what colour {'are' if several else 'is'} the {plural if several else thing.subject}?",
            thing.colour,
        )
    if kind == "place":
        return "where is this?", scene.place
    if kind == "count":
        return f"how many {plural} are there?", scenes.COUNTS.get(len(same), "one")
    if kind == "there":
        if rng.random() < 0.5:
            return f"is there {Being(thing.subject).a()}?", "yes"
        absent = rng.choice([s for s in SUBJECTS if all(t.subject != s for t in scene.things)])
        return f"is there {Being(absent).a()}?", "no"
    phrases = []
    for subject in dict.fromkeys(t.subject for t in scene.things):
        count = sum(t.subject == subject for t in scene.things)
        phrases.append(Being(subject).a() if count == 1 else scenes.plural(subject, None, count))
    return "what is in the picture?", scenes.listed(phrases)
