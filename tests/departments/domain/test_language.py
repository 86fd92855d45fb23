import pytest

from departments.domain.language import canonical_tag


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "ko",
        "pt-BR",
        "es-419",
        "zh-Hant-TW",
        "zh-cmn-Hans-CN",
        "sl-rozaj-biske-1994",
        "de-CH-1901",
        "en-US-u-islamcal",
        "ar-a-aaa-b-bbb-a-ccc",
        "az-Latn-x-latn",
        "en-CA-x-ca",
        "x-whatever",
        "sgn-BE-FR",
        "i-klingon",
        "en-GB-oed",
    ],
)
def test_a_language_tag_is_taken_in_any_case_and_written_in_the_usual_one(tag: str) -> None:
    assert canonical_tag(tag) == canonical_tag(tag.upper()) == canonical_tag(tag.lower()) == tag


@pytest.mark.parametrize(
    "text",
    [
        "",
        "e",
        "en_GB",
        "en-",
        "-en",
        "en--GB",
        " en",
        "en\n",
        "한국어",
        "englishes",
        "en-a",
        "en-x",
        "x",
        "12",
        "a-DE",
        "\uff25\uff2e",
    ],
)
def test_what_is_no_language_tag_is_not_taken(text: str) -> None:
    assert canonical_tag(text) is None
