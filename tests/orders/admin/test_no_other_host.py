"""No page asks another host for anything, and the browser is told not to."""

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests.orders.admin.test_permissions import RULES, Things, things

__all__ = ["things"]  # the fixture

ELSEWHERE = re.compile(r"""(?:src|href|action|srcset|poster)\s*=\s*["'](?:https?:)?//[^"']+""")
LOADS = re.compile(r"""@import|url\(\s*["']?(?:https?:)?//""")
PAGES = [name for name, rule in RULES.items() if not rule.get.startswith("-")]


def test_no_page_names_another_host(things: Things, client_of: Any, user: Any) -> None:
    browsers = [client_of(user(role)) for role in ("finance_maker", "auditor", "administrator")]
    found = {
        name: named
        for name in PAGES
        for client in browsers
        if (answer := client.get(things.address(name))).status_code == 200
        and (named := ELSEWHERE.findall(answer.content.decode()))
    }

    assert found == {}


def test_pages_carry_a_policy_that_forbids_other_hosts_and_inline_scripts(
    things: Things, client_of: Any
) -> None:
    answer = client_of("auditor").get(reverse("admin:index"))

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert re.search(r"script-src 'self' 'unsafe-eval'(;|$)", policy)
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in answer.headers["Cache-Control"]


def test_no_page_has_a_script_written_into_it(things: Things, client_of: Any) -> None:
    client = client_of("finance_maker")
    inline = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|\son(?:click|load|change|submit)=")

    found = {
        name: inline.findall(answer.content.decode())
        for name in PAGES
        if (answer := client.get(things.address(name))).status_code == 200
    }

    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize("path", ["giftops/giftops.css", "giftops/giftops.js"])
def test_our_own_files_load_nothing_from_elsewhere(path: str) -> None:
    file = finders.find(path)

    assert file is not None
    with open(file) as source:
        assert LOADS.findall(source.read()) == []
