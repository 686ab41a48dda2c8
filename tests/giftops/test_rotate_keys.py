import io

import pytest
from django.core.management import CommandError, call_command

from giftops import make_env, resealing, sealing
from giftops.models import AuditEntry
from tests.vault.models import Secret

pytestmark = pytest.mark.django_db

OLD, NEW = f"old:{make_env.fresh_key()}", f"new:{make_env.fresh_key()}"
NAMESAKE = f"NEW:{make_env.fresh_key()}"  # differs by case only: LIKE would not see it


@pytest.fixture
def old_secrets(settings):
    """Seal a few rows with the old key, then put the new one first."""

    def make(count=3, old=OLD):
        settings.GIFTOPS_SEALING_KEYS = [old]
        made = [Secret.objects.create(code=f"code-{n}", pin=f"{n}") for n in range(count)]
        settings.GIFTOPS_SEALING_KEYS = [NEW, old]
        return made

    return make


def rotate(*args):
    out = io.StringIO()
    call_command("rotate_keys", *args, stdout=out, stderr=out)
    return out.getvalue()


def codes():
    return sorted(secret.code.reveal() for secret in Secret.objects.all())


def test_everything_moves_to_the_new_key_and_the_old_one_may_go(old_secrets, settings):
    old_secrets()

    said = rotate()

    settings.GIFTOPS_SEALING_KEYS = [NEW]
    assert "6 values sealed again under key new." in said
    assert codes() == ["code-0", "code-1", "code-2"]
    assert "0 rows left under key old" in rotate("--prove", "old")


def test_the_proof_fails_while_a_single_value_is_left(old_secrets):
    old_secrets(1)

    with pytest.raises(CommandError, match="2 values still need key old"):
        rotate("--prove", "old")


def test_a_key_that_differs_by_case_is_another_key(old_secrets):
    old_secrets(old=NAMESAKE)

    assert resealing.count_sealed_by("new")["vault_secret.code"] == 0
    assert "6 values" in rotate()
    assert resealing.count_sealed_by("NEW")["vault_secret.code"] == 0


def test_a_stopped_run_is_taken_up_where_it_stopped(old_secrets, monkeypatch):
    old_secrets(5)
    monkeypatch.setattr(resealing, "BATCH", 2)

    def stop(column, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resealing.reseal_everything(stop)
    left = resealing.count_sealed_by("old")["vault_secret.code"]
    resealing.reseal_everything(lambda *_: None)

    assert left == 3
    assert resealing.count_sealed_by("old")["vault_secret.code"] == 0
    assert codes() == [f"code-{n}" for n in range(5)]


def test_no_batch_is_larger_than_it_should_be(
    old_secrets, monkeypatch, django_assert_max_num_queries
):
    old_secrets(5)
    monkeypatch.setattr(resealing, "BATCH", 2)
    steps = []

    resealing.reseal_everything(lambda column, done, total: steps.append((column, done, total)))

    of_codes = [step[1:] for step in steps if step[0] == "vault_secret.code"]
    assert of_codes == [(2, 5), (4, 5), (5, 5)]


def test_a_value_changed_meanwhile_is_not_overwritten(old_secrets, monkeypatch):
    (secret,) = old_secrets(1)
    unseal = sealing.unseal

    def changed_meanwhile(token, **place):
        plain = unseal(token, **place)
        if plain == "code-0":
            fresh = sealing.seal("newer", **place)
            Secret.objects.filter(pk=secret.pk).update(code=sealing.StoredToken(fresh))
        return plain

    monkeypatch.setattr(sealing, "unseal", changed_meanwhile)
    resealing.reseal_everything(lambda *_: None)
    monkeypatch.undo()

    assert Secret.objects.get().code.reveal() == "newer"


def test_what_does_not_open_stays_and_is_named(old_secrets, settings):
    first, second = old_secrets(2)
    settings.GIFTOPS_SEALING_KEYS = [NEW]  # the old key is lost

    with pytest.raises(CommandError, match="4 values do not open"):
        rotate()

    settings.GIFTOPS_SEALING_KEYS = [NEW, OLD]
    assert codes() == ["code-0", "code-1"]
    settings.GIFTOPS_SEALING_KEYS = [NEW]
    assert resealing.count_lost() == {"vault_secret.code": 2, "vault_secret.pin": 2}


def test_a_rotation_is_in_the_audit_trail(old_secrets):
    old_secrets(1)

    rotate()

    entry = AuditEntry.objects.get(action="keys.rotated")
    assert entry.facts == {"figure": "new", "count": 2, "failed": 0}
