"""The same scene in many words: synonyms, other turns, capitals, digits, typing errors, Chinese.

`scenes.scene` says it plainly, once; people say it as they like. Each wording names the scene's groups in
their order, so that what is asked of the plain caption can be asked of all.
"""

from __future__ import annotations

import random

import scenes
from scenes import Group, Scene

# Other names of subjects, each with its plural.
SYNONYMS = {
    "cat": [("kitty", "kitties"), ("kitten", "kittens")], "dog": [("puppy", "puppies"), ("doggy", "doggies")],
    "bear": [("teddy bear", "teddy bears")], "frog": [("toad", "toads")],
    "rabbit": [("bunny", "bunnies"), ("hare", "hares")], "pig": [("piggy", "piggies"), ("piglet", "piglets")],
    "car": [("automobile", "automobiles")], "bus": [("coach", "coaches")],
    "boat": [("sailboat", "sailboats"), ("ship", "ships"), ("sailing boat", "sailing boats")],
    "rocket": [("spaceship", "spaceships")], "train": [("locomotive", "locomotives"), ("steam train", "steam trains")],
    "bicycle": [("bike", "bikes")], "flower": [("sunflower", "sunflowers")],
    "mushroom": [("toadstool", "toadstools")], "house": [("home", "homes"), ("cottage", "cottages")],
    "castle": [("palace", "palaces")], "pizza": [("slice of pizza", "slices of pizza")],
    "cake": [("birthday cake", "birthday cakes")], "cup": [("mug", "mugs"), ("cup of coffee", "cups of coffee")],
    "lamp": [("light bulb", "light bulbs"), ("bulb", "bulbs")], "clock": [("alarm clock", "alarm clocks")],
    "gift": [("present", "presents")], "ice cream": [("icecream", "icecreams"), ("ice cream cone", "ice cream cones")],
    "umbrella": [("parasol", "parasols")], "moon": [("crescent moon", "crescent moons")],
    "crown": [("golden crown", "golden crowns")], "penguin": [], "tower": [("steel tower", "steel towers")],
}
COLOURS = {
    "red": ["crimson", "scarlet", "bright red"], "yellow": ["golden", "gold"], "purple": ["violet"],
    "green": ["emerald"], "blue": ["azure", "navy"], "white": ["ivory", "snow white"], "pink": ["rose"],
    "black": ["jet black"], "brown": ["chestnut", "chocolate"], "orange": ["bright orange"],
}
SIZES = {"small": ["little", "tiny"], "big": ["large", "huge", "giant"]}
PLACES = {
    "in a meadow": ["in the meadow", "in a field", "on the grass", "in a green meadow", "in the grass"],
    "by the sea": ["at the seaside", "by the ocean", "at sea", "on the sea", "near the sea", "on the water"],
    "in the desert": ["in a desert", "in the sand dunes", "in the sandy desert"],
    "in the snow": ["in snow", "on the snow", "in winter", "in the snowy winter"],
    "at night": ["in the night", "at nighttime", "by night", "under the night sky", "in the dark"],
    "in the forest": ["in a forest", "in the woods", "in the wood", "among trees"],
    "in the city": ["in a city", "in town", "in the town", "downtown"],
    "in space": ["in outer space", "in the universe", "among the stars"],
    "on the beach": ["on a beach", "at the beach", "on the sand", "on the shore"],
}
RELATIONS = {
    "to the left of": ["left of", "on the left of", "to the left side of"],
    "to the right of": ["right of", "on the right of", "to the right side of"],
    "above": ["over", "on top of", "higher than"], "below": ["under", "underneath", "beneath"],
    "next to": ["beside", "near", "by the side of", "close to"],
}
OPENINGS = [
    "a picture of", "a drawing of", "an image of", "a photo of", "an illustration of", "there is", "show me",
    "draw", "please draw", "i see", "paint",
]

NOUNS = dict(zip(scenes.SUBJECTS, (
    "猫 狗 狐狸 熊 青蛙 猫头鹰 企鹅 兔子 大象 狮子 猪 鱼 汽车 公共汽车 船 火箭 火车 气球 自行车 树 花 仙人掌 蘑菇 "
    "房子 城堡 帐篷 塔 苹果 香蕉 蛋糕 披萨 冰淇淋 杯子 书 钥匙 灯 吉他 鼓 雨伞 钟 机器人 鬼 星星 月亮 太阳 王冠 礼物 雪人"
).split()))
OTHER_NOUNS = {
    "cat": ["猫咪"], "rabbit": ["兔"], "car": ["轿车"], "bus": ["公交车", "巴士"], "boat": ["帆船"], "bicycle": ["单车"],
    "flower": ["向日葵", "花朵"], "house": ["屋子"], "tower": ["铁塔"], "pizza": ["比萨"], "lamp": ["灯泡", "电灯"],
    "umbrella": ["伞"], "clock": ["闹钟"], "ghost": ["幽灵"], "star": ["星"], "crown": ["皇冠"], "gift": ["礼盒"],
    "cup": ["茶杯", "咖啡杯"], "ice cream": ["冰激凌"], "book": ["书本"],
}
MEASURES = {
    "只": "cat dog fox bear frog owl penguin rabbit lion pig ghost".split(), "头": ["elephant", "lion", "pig", "bear"],
    "条": ["fish"], "辆": ["car", "bus", "bicycle"], "艘": ["boat"], "枚": ["rocket"], "列": ["train"],
    "棵": ["tree", "cactus"], "朵": ["flower", "mushroom"], "座": ["house", "castle", "tower"], "顶": ["tent", "crown"],
    "块": ["cake", "pizza"], "本": ["book"], "把": ["key", "guitar", "umbrella"], "盏": ["lamp"], "根": ["banana"],
    "颗": ["star"], "轮": ["moon", "sun"], "份": ["gift"], "面": ["drum"], "支": ["ice cream"],
}
CHINESE_COLOURS = dict(zip(scenes.COLOURS, "红 橙 黄 绿 蓝 紫 粉 白 黑 棕".split()))
CHINESE_SIZES = {"small": ["小", "小小的"], "big": ["大", "大大的", "巨大的"], "": [""]}
CHINESE_PLACES = {
    "in a meadow": ["草地上", "草原上", "草坪上"], "by the sea": ["海边", "大海边"], "in the desert": ["沙漠里", "沙漠中"],
    "in the snow": ["雪地里", "雪中", "雪地上"], "at night": ["夜晚", "夜里", "晚上"], "in the forest": ["森林里", "树林里"],
    "in the city": ["城市里", "城里"], "in space": ["太空中", "太空里", "宇宙中"], "on the beach": ["沙滩上", "海滩上"], "": [""],
}
CHINESE_RELATIONS = {
    "to the left of": ["左边", "左侧"], "to the right of": ["右边", "右侧"], "above": ["上面", "上方"],
    "below": ["下面", "下方"], "next to": ["旁边"],
}
CHINESE_COUNTS = {1: ["一"], 2: ["两"], 3: ["三"], 4: ["四"]}


# ---- English -------------------------------------------------------------------------------------


def _often(rng: random.Random, usual: str, others: list[str], share: float = 0.5) -> str:
    return rng.choice(others) if others and rng.random() < share else usual


def _name(group: Group, rng: random.Random) -> str:
    """"two little crimson kitties", "a fox", "3 foxes", "fox"."""
    subject = group.subject
    many = scenes.PLURALS.get(subject, subject + "s")
    others = SYNONYMS.get(subject, [])
    # A golden crown is every crown: only one without a colour word may be called so.
    if group.colour:
        others = [other for other in others if not other[0].startswith("golden")]
    if others and rng.random() < 0.4:
        subject, many = rng.choice(others)
    colour = _often(rng, group.colour or "", COLOURS.get(group.colour or "", []), 0.3)
    size = _often(rng, group.size_word, SIZES.get(group.size_word, []))
    if group.count == 1:
        words = " ".join(word for word in (size, colour, subject) if word)
        article = rng.choices(["an" if words[0] in "aeiou" else "a", "one", "the", "", "1"], [16, 2, 2, 3, 1])[0]
    else:
        words = " ".join(word for word in (size, colour, many) if word)
        article = rng.choices([scenes.COUNTS[group.count], str(group.count)], [3, 1])[0]
    return f"{article} {words}".strip()


def _typo(text: str, rng: random.Random) -> str:
    """One letter of one longer word left out, doubled, changed, or swapped with its neighbour."""
    words = text.split(" ")
    longer = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not longer:
        return text
    index = rng.choice(longer)
    word = words[index]
    at = rng.randint(1, len(word) - 2)
    words[index] = rng.choice([
        word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:],
        word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ])
    return " ".join(words)


def english(scene: Scene, rng: random.Random) -> str:
    """One of the many ways to say it."""
    names = [_name(group, rng) for group in scene.groups]
    if scene.relation:
        link = _often(rng, scene.relation, RELATIONS[scene.relation])
        if rng.random() < 0.15:
            link = ("are " if scene.groups[0].count > 1 else "is ") + link
        text = f" {link} ".join(names)
    elif len(names) == 2:
        text = rng.choice([" and ", " and ", " with ", ", ", " & "]).join(names)
    else:
        text = scenes.listed(names) if rng.random() < 0.7 else ", ".join(names)
    if not scene.relation and rng.random() < 0.2:
        text = f"{rng.choice(OPENINGS)} {text}"
    where = _often(rng, scene.place, PLACES.get(scene.place, []))
    text = scenes.told(text, where, rng.random() < 0.25)
    if rng.random() < 0.1:
        text = _typo(text, rng)
    if rng.random() < 0.2:
        text = text[0].upper() + text[1:]
    return text + ("." if rng.random() < 0.1 else "")


# ---- Chinese -------------------------------------------------------------------------------------


def _chinese_name(group: Group, rng: random.Random) -> str:
    """两只红色的狐狸."""
    noun = _often(rng, NOUNS[group.subject], OTHER_NOUNS.get(group.subject, []), 0.35)
    own = [measure for measure, subjects in MEASURES.items() if group.subject in subjects]
    measure = _often(rng, rng.choice(own) if own else "个", ["个"], 0.2)
    colour = ""
    if group.colour:
        colour = CHINESE_COLOURS[group.colour] + rng.choice(["色的", "色的", "色", ""])
    size = rng.choice(CHINESE_SIZES[group.size_word])
    number = rng.choice(CHINESE_COUNTS[group.count])
    if group.count == 1 and rng.random() < 0.2:
        number = measure = ""
    return number + measure + size + colour + noun


def chinese(scene: Scene, rng: random.Random) -> str:
    """The same in Chinese, without spaces."""
    names = [_chinese_name(group, rng) for group in scene.groups]
    where = rng.choice(CHINESE_PLACES[scene.place])
    if scene.relation:
        text = f"{names[0]}在{names[1]}的{rng.choice(CHINESE_RELATIONS[scene.relation])}"
        return rng.choice([f"{where}，{text}", f"{text}，{where}"]) if where else text
    text = names[0] if len(names) == 1 else "、".join(names[:-1]) + rng.choice(["和", "、"]) + names[-1]
    if not where:
        return text
    return rng.choice([f"{where}的{text}", f"{text}在{where}", f"在{where}，{text}", f"{where}有{text}"])


def lexicon() -> tuple[list[str], list[str]]:
    """The words of English wordings, and the parts that Chinese ones are made of."""
    english_words = [
        *(word for pairs in SYNONYMS.values() for pair in pairs for word in pair),
        *(word for table in (COLOURS, SIZES, PLACES, RELATIONS) for words in table.values() for word in words),
        *OPENINGS, "with", "the", "is", "are", "there",
    ]
    chinese_parts = [
        *NOUNS.values(), *(noun for nouns in OTHER_NOUNS.values() for noun in nouns),
        *(number + measure for number in "一两三四" for measure in [*MEASURES, "个"]),
        *(colour + end for colour in CHINESE_COLOURS.values() for end in ("色的", "色", "")),
        *(size for sizes in CHINESE_SIZES.values() for size in sizes if size),
        *(where for places in CHINESE_PLACES.values() for where in places if where),
        *("的" + side for sides in CHINESE_RELATIONS.values() for side in sides), "在", "和", "有", "的",
    ]
    return english_words, chinese_parts


# How often each wording is shown in training: plain, two other English ones, Chinese.
SHARES = (0.4, 0.2, 0.2, 0.2)


def wordings(scene: Scene, seed: int) -> list[str]:
    """A scene's caption and three more, as SHARES counts them."""
    rng = random.Random(f"wordings {seed}")
    return [scene.caption, english(scene, rng), english(scene, rng), chinese(scene, rng)]
