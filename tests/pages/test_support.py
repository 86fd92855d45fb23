"""What the tests of the pages would notice."""

import pytest

from tests.pages.support import Browsers, is_too_wide, serious_findings
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

PALE = """() => {
  const text = document.createElement("p");
  text.textContent = "pale";
  text.style.color = "#eee";
  document.querySelector("main").append(text);
}"""

INLINE = """() => {
  const element = document.createElement("div");
  element.setAttribute("style", "color: red");
  document.body.append(element);
}"""


def test_text_that_is_hard_to_read_is_found(browsers: Browsers) -> None:
    page = browsers.open("/sign-in")
    page.evaluate(PALE)
    assert [found.partition(":")[0] for found in serious_findings(page)] == ["color-contrast"]


def test_a_page_that_is_too_wide_is_found(browsers: Browsers) -> None:
    page = browsers.open("/sign-in")
    page.evaluate("() => { document.querySelector('main').style.width = '2000px'; }")
    assert is_too_wide(page)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (INLINE, "style-src"),
        ("() => { document.body.innerHTML = '<p>text</p>'; }", "TrustedHTML"),
        ("() => { fetch('http://127.0.0.2:9/').catch(() => {}); }", "connect-src"),
        ("() => { throw new Error('planted'); }", "planted"),
    ],
)
def test_an_error_or_a_violation_is_found(browsers: Browsers, script: str, error: str) -> None:
    page = browsers.open("/sign-in")
    (watched,) = browsers.watched
    page.evaluate(f"() => {{ setTimeout({script}); }}")
    wait_for(lambda: page.evaluate("1") and any(error in each for each in watched.errors), error)
    browsers.allow(page, ".*")
