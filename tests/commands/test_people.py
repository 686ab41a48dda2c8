"""The demo people: one per role, made once, and only where nothing is at stake."""

import pytest
from django.contrib.auth.password_validation import validate_password

from giftops import audit
from giftops.models import User
from giftops.roles import ROLES
from orders.demo.people import PEOPLE, seed_people

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _trying_out(settings, tmp_path):
    settings.DEBUG = True
    settings.GIFTOPS_VAR = tmp_path


def passwords() -> dict[str, str]:
    return {one.person.username: one.password for one in seed_people()}


def test_there_is_somebody_for_every_role_of_a_person():
    assert {person.role for person in PEOPLE} == set(ROLES) - {"partner"}


def test_everybody_can_sign_in_with_the_password_that_is_shown(client):
    for name, password in passwords().items():
        validate_password(password, User.objects.get(username=name))
        assert User.objects.get(username=name).check_password(password)
        assert User.objects.get(username=name).is_staff


def test_doing_it_again_keeps_people_and_passwords():
    before = passwords()

    after = passwords()

    assert after == before
    assert User.objects.count() == len(PEOPLE)


def test_a_password_of_their_own_is_neither_shown_nor_replaced():
    seed_people()
    mira = User.objects.get(username="mira")
    mira.set_password("something only Mira knows")
    mira.save()

    shown = passwords()["mira"]

    mira.refresh_from_db()
    assert shown == ""
    assert mira.check_password("something only Mira knows")


def test_the_file_with_the_passwords_is_readable_by_its_owner_only(tmp_path):
    seed_people()

    [file] = tmp_path.glob("demo-sign-ins.*")
    assert file.stat().st_mode & 0o777 == 0o600


def test_nobody_is_made_where_debug_is_off(settings):
    settings.DEBUG = False

    with pytest.raises(RuntimeError):
        seed_people()

    assert not User.objects.exists()


def test_making_people_is_in_the_audit_trail():
    seed_people()

    assert audit.verify().count == len(PEOPLE)
