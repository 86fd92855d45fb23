"""What the people of the demo are called, and what they say."""

from collections.abc import Mapping, Sequence

TABLES: Sequence[str] = (*map(str, range(1, 15)), "Terrace 1", "Terrace 2", "Terrace 3", "Window", "Bar 2")

COOKS: Mapping[str, Sequence[str]] = {
    "bar": ("Noa", "Teo", "Marta"),
    "kitchen": ("Ada", "Minjun", "Lucía", "Omar", "Hana"),
    "bakery": ("Iris", "Jun"),
}
WAITERS: Sequence[str] = ("Sam", "Sofía", "Jiwoo")

NOTES: Mapping[str, Sequence[str]] = {
    "bar": (
        "no ice",
        "얼음 빼고 주세요",
        "sin hielo, por favor",
        "with a slice of lime",
        "ohne Zucker",
        "氷なしでお願いします",
        "bien frío",
        "together with the food",
        "덜 달게 해 주세요",
    ),
    "kitchen": (
        "sauce on the side",
        "덜 맵게 해 주세요",
        "sin cebolla, gracias",
        "well done",
        "بدون بصل من فضلك",
        "à partager, deux assiettes",
        "고수는 빼 주세요",
        "cut small, it is for a child",
        "poco hecho",
        "bitte extra scharf",
    ),
    "bakery": (
        "with a candle, it is her birthday 🎂",
        "초 하나 꽂아 주세요",
        "dos cucharas, por favor",
        "to take away",
        "따뜻하게 데워 주세요",
        "con un poco de nata",
        "nach dem Hauptgang",
    ),
}

ALLERGIES: Sequence[str] = (
    "Nut allergy. Not even traces.",
    "견과류 알레르기가 있어요",
    "Celíaca: sin gluten",
    "Laktoseintoleranz: keine Milch, keine Butter",
    "갑각류 알레르기",
    "Alergia al huevo",
)

REASONS: Mapping[str, Sequence[str]] = {
    "bar": ("the last lime is gone", "the guests have left"),
    "kitchen": ("the grill has to be cleaned", "the fish is not good enough today", "the guests have left"),
    "bakery": ("the oven is too slow tonight", "the guests have left"),
}
