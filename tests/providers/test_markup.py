"""Texts of providers: readable marks stay, nothing that runs, leads away or is fetched."""

import re

import pytest

from providers import markup

NASTY = {
    "script": "<p>Hello</p><script>alert(1)</script>",
    "nested script": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "handler": '<p onclick="alert(1)" onmouseover=alert(2)>Hello</p>',
    "picture": '<img src="https://tracker.example/p.gif" onerror="alert(1)">',
    "link": '<a href="javascript:alert(1)">press</a> <a href="//evil.example">me</a>',
    "style": '<style>@import "//evil.example"</style><b style="background:url(//evil)">x</b>',
    "svg": "<svg onload=alert(1)><script>alert(1)</script><use href=//evil></svg>",
    "math": "<math><mtext></p><style><img src onerror=alert(1)></style></math>",
    "frame": '<iframe src="//evil" srcdoc="<script>alert(1)</script>"></iframe>',
    "form": '<form action="//evil"><input name=password><button>Sign in</button></form>',
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "template": "<template><script>alert(1)</script></template>",
    "meta": '<meta http-equiv="refresh" content="0;url=//evil"><base href="//evil">',
    "comment": "<!--><img src=x onerror=alert(1)>-->",
    "cdata": "<![CDATA[<script>alert(1)</script>]]>",
    "title and lang": '<p title="x" lang="en" id="content" class="g-btn">Hello</p>',
    "unclosed": '<b><i><p title="',
    "upside down": "\u202eevil\u2066 &#x202e;\x00\ud800\x1b[31m",
}
TAG = re.compile(r"<[^>]*>")


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_nothing_but_a_few_bare_marks_is_left(text: str) -> None:
    cleaned = markup.clean(text)

    names = {tag.strip("</>") for tag in TAG.findall(cleaned)}
    assert names <= markup.MARKS
    assert not re.search(r"[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", cleaned)
    assert markup.shown(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        ("<p>For <b>all</b> ages<br>2+</p>", "<p>For <b>all</b> ages<br>2+</p>"),
        ("<ul><li>One</li><li>Two</ul>", "<ul><li>One</li><li>Two</li></ul>"),
        ("<h2>Terms</h2><div>No cash</div>", "Terms<br>No cash<br>"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b <br>"),
        ("See <a href='https://x.example'>our shop</a>", "See our shop"),
        ("First\nSecond", "First<br>Second"),
        ("Fish & chips < 5 €", "Fish &amp; chips &lt; 5 €"),
        ("&lt;script&gt;", "&lt;script&gt;"),
    ],
)
def test_what_it_said_can_still_be_read(text: str, cleaned: str) -> None:
    assert markup.clean(text) == cleaned


@pytest.mark.parametrize("text", ["word ", "<b>", "<ul><li>", "<i><b><p>", "<a ", "&", "<"])
def test_a_text_without_end_is_cut(text: str) -> None:
    cleaned = markup.clean(text * 100_000)

    assert len(TAG.sub("", cleaned)) <= 5 * markup.MOST + 1


def test_a_page_does_not_trust_the_column() -> None:
    assert markup.shown("<b>ok</b><script>alert(1)</script>") == "<b>ok</b>"
