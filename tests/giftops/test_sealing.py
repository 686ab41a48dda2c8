import copy
import pickle
from uuid import UUID

import pytest
from django.core import serializers
from django.db import models, transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from giftops import make_env, sealing
from giftops.sealing import SealedField, SealError, blind_index, last_four, seal, unseal
from tests.vault.models import Secret

ROW = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
PLACE = {"table": "orders_card", "row": ROW, "column": "code"}
CODE = "6006-4912-3456-7890"


def stored(secret, column="code"):
    """Give what the database really holds."""
    rows = Secret.objects.annotate(raw=Cast(column, TextField())).filter(pk=secret.pk)
    return rows.values_list("raw", flat=True).get()


@pytest.fixture
def ring(settings):
    """Put keys on the ring by their names, newest first."""
    keys = {}

    def put(*kids):
        settings.GIFTOPS_SEALING_KEYS = [
            f"{kid}:{keys.setdefault(kid, make_env.fresh_key())}" for kid in kids
        ]

    return put


# --- Tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", ["", "1234", "•ü€ 礼品", b"", b"\x00\xff raw", "x" * 100_000])
def test_what_was_sealed_opens_in_its_place(plain):
    assert unseal(seal(plain, **PLACE), **PLACE) == plain


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"table": "orders_order"},
        {"column": "pin"},
        {"row": UUID("01890a5d-ac96-774b-bcce-b302099a8058")},
    ],
)
def test_a_token_moved_elsewhere_does_not_open(elsewhere):
    token = seal(CODE, **PLACE)

    with pytest.raises(SealError):
        unseal(token, **PLACE | elsewhere)


def test_a_token_under_another_key_id_does_not_open(ring):
    ring("k1", "k2")
    token = seal(CODE, **PLACE)

    with pytest.raises(SealError):
        unseal(token.replace("k1.", "k2.", 1), **PLACE)


def test_a_token_is_bound_to_the_name_of_its_key(settings):
    key = make_env.fresh_key()
    settings.GIFTOPS_SEALING_KEYS = [f"k1:{key}"]
    token = seal(CODE, **PLACE)

    settings.GIFTOPS_SEALING_KEYS = [f"k2:{key}"]

    with pytest.raises(SealError):
        unseal(token.replace("k1.", "k2.", 1), **PLACE)


def test_a_changed_token_does_not_open():
    token = seal(CODE, **PLACE)

    for position in range(3, len(token)):
        changed = (
            token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        )
        with pytest.raises(SealError):
            unseal(changed, **PLACE)


def test_the_same_value_never_seals_to_the_same_token():
    assert len({seal(CODE, **PLACE) for _ in range(100)}) == 100


@pytest.mark.parametrize("token", ["", "k1", "k1.", "k1.short", CODE, None, "k1." + "!" * 60])
def test_what_is_no_token_is_refused_without_being_quoted(token):
    with pytest.raises(SealError) as caught:
        unseal(token, **PLACE)

    assert str(caught.value) == "That is not a sealed value."


def test_a_row_without_an_id_seals_nothing():
    with pytest.raises(SealError, match="needs its id"):
        seal(CODE, table="orders_card", row=None, column="code")


def test_the_first_key_seals_and_all_of_them_open(ring):
    ring("old")
    before = seal(CODE, **PLACE)

    ring("new", "old")

    assert sealing.kid_of(seal(CODE, **PLACE)) == "new"
    assert unseal(before, **PLACE) == CODE


def test_a_key_taken_off_the_ring_opens_nothing_more(ring):
    ring("old")
    before = seal(CODE, **PLACE)

    ring("new")

    with pytest.raises(SealError, match="'old' is not on the ring"):
        unseal(before, **PLACE)


@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["k1"],
        ["k1:"],
        ["k1:c2hvcnQ="],
        ["k 1:" + make_env.fresh_key()],
        ["k1:" + make_env.fresh_key(), "k1:" + make_env.fresh_key()],
    ],
)
def test_an_unsound_ring_is_refused_without_quoting_a_key(entries):
    with pytest.raises(SealError) as caught:
        sealing.KeyRing.parse(entries)

    assert not any(
        entry.partition(":")[2] in str(caught.value) for entry in entries if ":" in entry[:-1]
    )


def test_one_key_under_two_names_is_refused():
    key = make_env.fresh_key()

    with pytest.raises(SealError, match="twice"):
        sealing.KeyRing.parse([f"a:{key}", f"b:{key}"])


# --- Looking up ---------------------------------------------------------------------------------


def test_a_number_is_found_however_it_is_written():
    written = [
        "6006491234567890",
        "6006-4912-3456-7890",
        " 6006 4912\t3456 7890",
        "6006–49123456–7890",
    ]

    assert len({blind_index(text, field="card.code") for text in written}) == 1
    assert blind_index("abcd", field="card.code") == blind_index("ABCD", field="card.code")


def test_an_index_tells_nothing_across_fields_or_keys(settings):
    mine = blind_index(CODE, field="card.code")
    other_field = blind_index(CODE, field="certificate.code")
    settings.GIFTOPS_INDEX_KEY = make_env.fresh_key()
    other_key = blind_index(CODE, field="card.code")

    assert len({mine, other_field, other_key}) == 3
    assert len(mine) == 64


@pytest.mark.parametrize(
    ("value", "expected"),
    [("6006-4912-3456-7890", "7890"), ("123456789012", "9012"), ("12345678901", ""), ("", "")],
)
def test_the_last_four_are_kept_of_long_values_only(value, expected):
    assert last_four(value) == expected


# --- Columns ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_column_holds_a_token_and_gives_a_seal():
    secret = Secret.objects.create(code=CODE)

    again = Secret.objects.get(pk=secret.pk)

    assert CODE not in stored(secret)
    assert stored(secret).startswith("k1.")
    assert (str(again.code), repr(again.code), again.pin) == ("•••• sealed", "•••• sealed", "")
    assert (again.code.reveal(), secret.code.reveal()) == (CODE, CODE)


@pytest.mark.django_db
def test_nothing_about_an_instance_shows_the_value():
    secret = Secret(code=CODE)
    saved = Secret.objects.create(code=CODE, note="a card")

    shown = [repr(secret.code), str(secret.code), f"{secret.__dict__}", f"{saved.__dict__}"]
    shown += [serializers.serialize("json", [saved]), f"{pickle.dumps(saved)!r}"]

    assert not any(CODE in text for text in shown)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


@pytest.mark.django_db
def test_rows_made_in_bulk_are_sealed_too():
    Secret.objects.bulk_create([Secret(code=f"code-{n}", pin=f"{n}") for n in range(3)])

    found = Secret.objects.order_by("pk")

    assert sorted(secret.code.reveal() for secret in found) == ["code-0", "code-1", "code-2"]
    assert not any("code-" in stored(secret) for secret in found)


@pytest.mark.django_db
def test_saving_what_cannot_be_opened_destroys_nothing(ring):
    ring("lost")
    secret = Secret.objects.create(code=CODE)
    token = stored(secret)
    ring("k1")

    again = Secret.objects.get(pk=secret.pk)
    with pytest.raises(SealError):
        again.code.reveal()
    again.note = "changed"
    again.save()

    assert stored(secret) == token
    ring("k1", "lost")
    assert Secret.objects.get(pk=secret.pk).code.reveal() == CODE


@pytest.mark.django_db
def test_a_token_copied_into_another_row_does_not_open():
    mine, other = Secret.objects.create(code=CODE), Secret.objects.create(code="another")

    Secret.objects.filter(pk=mine.pk).update(code=sealing.StoredToken(stored(other)))

    with pytest.raises(SealError):
        Secret.objects.get(pk=mine.pk).code.reveal()


@pytest.mark.django_db
def test_a_seal_of_another_row_cannot_be_assigned():
    mine, other = Secret.objects.create(code=CODE), Secret.objects.create(code="another")

    mine.code = other.code

    with pytest.raises(SealError, match="another row"), transaction.atomic():
        mine.save()
    assert Secret.objects.get(pk=mine.pk).code.reveal() == CODE


@pytest.mark.django_db
def test_a_value_is_replaced_and_emptied_by_assigning():
    secret = Secret.objects.create(code=CODE, pin="1234")

    secret.code, secret.pin = "new", ""
    secret.save()

    again = Secret.objects.get(pk=secret.pk)
    assert (again.code.reveal(), again.pin) == ("new", "")


@pytest.mark.django_db
def test_plain_text_never_reaches_the_database_by_a_side_door():
    secret = Secret.objects.create(code=CODE)
    side_doors = [
        lambda: Secret.objects.update(code="plain"),
        lambda: Secret.objects.filter(code=CODE).exists(),
        lambda: Secret.objects.filter(code__contains="6006").exists(),
        lambda: Secret.objects.filter(code__in=[CODE]).exists(),
        lambda: Secret.objects.exclude(code__gt="k").exists(),
        lambda: setattr(secret, "code", 6006),
    ]

    for door in side_doors:
        with pytest.raises(SealError), transaction.atomic():
            door()
    assert Secret.objects.get(pk=secret.pk).code.reveal() == CODE


@pytest.mark.django_db
def test_rows_can_be_asked_whether_they_have_a_value():
    full, empty = Secret.objects.create(code=CODE), Secret.objects.create()

    assert Secret.objects.get(code="") == empty
    assert Secret.objects.exclude(code="").get() == full


@pytest.mark.django_db
def test_a_value_deferred_is_read_when_asked_for():
    Secret.objects.create(code=CODE)

    secret = Secret.objects.defer("code").get()

    assert secret.code.reveal() == CODE
    assert copy.deepcopy(secret).code.reveal() == CODE


@pytest.mark.django_db
def test_an_id_given_as_text_seals_for_the_same_row():
    Secret.objects.create(id=ROW.hex, code=CODE)

    assert Secret.objects.get(pk=ROW).code.reveal() == CODE


@pytest.mark.django_db
def test_bytes_come_back_as_bytes():
    secret = Secret.objects.create(code=b"\x00raw")

    again = Secret.objects.get(pk=secret.pk)

    assert again.code.reveal_bytes() == b"\x00raw"
    with pytest.raises(SealError, match="not text"):
        again.code.reveal()


def test_a_sealed_column_has_no_form_field():
    assert Secret._meta.get_field("code").formfield() is None
    assert not Secret._meta.get_field("code").editable


def test_a_model_without_a_uuid_key_is_refused_by_the_checks():
    class Numbered(models.Model):  # noqa: DJ008 - lives for this test only
        code = SealedField()

        class Meta:
            app_label = "vault"
            managed = False

    try:
        found = Numbered.check()
    finally:
        del models.base.apps.all_models["vault"]["numbered"]

    assert [message.id for message in found] == ["giftops.E010"]
