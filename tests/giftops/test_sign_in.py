from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from giftops import clock
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN, INSIDE = "/admin/login/", "/admin/jsi18n/"  # the plainest page behind the door


class Later(clock.RealSource):
    """A clock that is ahead."""

    def __init__(self, by):
        self.by = by

    def now(self):
        return super().now() + self.by


def sign_in(username, password, address="203.0.113.9"):
    client = Client(REMOTE_ADDR=address)
    response = client.post(LOGIN, {"username": username, "password": password})
    return client, response


def is_inside(client):
    return client.get(INSIDE).status_code == 200


@pytest.fixture
def mia(user):
    return user("finance_maker", username="mia")


def test_the_right_password_opens(mia):
    client, response = sign_in("mia", PASSWORD)

    assert response.status_code == 302
    assert is_inside(client)


def test_after_five_failures_even_the_right_password_stays_outside(mia):
    for _ in range(5):
        sign_in("mia", "wrong")

    client, response = sign_in("mia", PASSWORD)

    assert response.status_code == 429
    assert not is_inside(client)


def test_a_stranger_locks_out_only_himself(mia):
    for _ in range(6):
        sign_in("mia", "wrong", address="198.51.100.1")

    client, _ = sign_in("mia", PASSWORD)

    assert is_inside(client)


def test_the_lock_opens_after_a_quarter_of_an_hour(mia):
    from axes.models import AccessAttempt

    for _ in range(5):
        sign_in("mia", "wrong")
    ago = clock.db_now() - timedelta(minutes=15, seconds=1)
    AccessAttempt.objects.update(attempt_time=ago)

    client, _ = sign_in("mia", PASSWORD)

    assert is_inside(client)


def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(mia):
    _, unknown = sign_in("nobody", "wrong")
    _, wrong = sign_in("mia", "wrong")

    def shown(response):
        return response.context["form"].non_field_errors()

    assert (unknown.status_code, shown(unknown)) == (wrong.status_code, shown(wrong))


def test_a_session_gets_a_new_key_at_sign_in(mia):
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key

    client.post(LOGIN, {"username": "mia", "password": PASSWORD})

    assert client.session.session_key != before


def test_a_session_ends_after_eight_hours_however_busy(mia, client_of):
    client = client_of(mia)
    assert is_inside(client)

    with clock.use(Later(timedelta(hours=7, minutes=59))):
        assert is_inside(client)
    with clock.use(Later(timedelta(hours=8, seconds=1))):
        assert not is_inside(client)
    assert SESSION_KEY not in client.session


def test_a_person_who_is_switched_off_is_outside_at_once(mia, client_of):
    client = client_of(mia)
    assert is_inside(client)

    mia.is_active = False
    mia.save()

    assert not is_inside(client)


def test_pages_of_a_signed_in_person_are_kept_by_no_cache(mia, client_of):
    control = client_of(mia).get(INSIDE)["Cache-Control"]

    assert "no-store" in control
    assert "private" in control


def test_every_page_carries_the_headers_that_protect_it(mia, client_of):
    for response in (Client().get(LOGIN), client_of(mia).get(INSIDE)):
        headers = response.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"


def test_the_policy_allows_nothing_from_elsewhere_and_no_inline_script():
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in Client().get(LOGIN)["Content-Security-Policy"].split(";")
    )

    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert not any("http" in sources or "*" in sources for sources in policy.values())


def test_production_cookies_cannot_leave_the_site(tmp_path, child_settings):
    values = child_settings(
        "SESSION_COOKIE_NAME SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE"
        " SESSION_COOKIE_AGE SESSION_SAVE_EVERY_REQUEST CSRF_COOKIE_NAME CSRF_COOKIE_SECURE"
        " SECURE_HSTS_SECONDS SECURE_SSL_REDIRECT"
    )

    assert values == [
        "__Host-giftops", True, True, "Strict", 15 * 60, True, "__Host-csrf", True,
        365 * 86400, True,
    ]  # fmt: skip


@pytest.fixture
def child_settings(tmp_path):
    """Read settings in a process of its own, as production would load them."""
    import json
    import os
    import subprocess
    import sys

    from giftops import make_env

    env_file = tmp_path / "env"
    make_env.write(env_file)
    env_file.write_text(env_file.read_text().replace("DEBUG=true", "DEBUG=false"))

    def read(names):
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"GIFTOPS_ENV_FILE": str(env_file), "GIFTOPS_VAR": str(tmp_path / "var")}
        code = (
            "import json; from giftops import settings as s; "
            f"print(json.dumps([getattr(s, n) for n in {names.split()}]))"
        )
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            cwd=configured.BASE_DIR,
            check=True,
        )
        return json.loads(run.stdout)

    return read


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_pages_of_trouble_are_calm_and_load_nothing(status):
    text = Path(configured.BASE_DIR / "templates" / f"{status}.html").read_text()

    assert 'href="/admin/"' in text
    assert not any(word in text for word in ("<script", "src=", "<link", "{%", "http"))


def test_a_missing_page_says_so_in_words():
    response = Client().get("/nothing-here")

    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_a_form_without_its_token_changes_nothing(mia):
    client = Client(enforce_csrf_checks=True)

    response = client.post(LOGIN, {"username": "mia", "password": PASSWORD})

    assert response.status_code == 403
    assert "Nothing was done" in response.content.decode()


def test_the_root_leads_to_the_first_page():
    assert Client().get("/")["Location"] == reverse("admin:index")


def test_the_workers_own_tables_cannot_be_edited_in_the_admin():
    """A schedule names any function: whoever may edit one may run anything (S29)."""
    from django.contrib import admin

    assert not [m for m in admin.site._registry if m._meta.app_label == "django_q"]
