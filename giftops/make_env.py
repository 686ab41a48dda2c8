"""Write a fresh `.env`: `python -m giftops.make_env [PATH]`.

Only the standard library: this runs before Django can, because Django needs the keys.
"""

import base64
import os
import secrets
import string
import sys
from pathlib import Path

TEMPLATE = """\
# Written once by `python -m giftops.make_env`; keep it secret and keep a copy in a safe place:
# without the sealing keys no card code of this database can ever be read again.
DEBUG=true
WEB_PORT=8000
SANDBOX_PORT=8010

# This installation; the database knows the same two and refuses to work under others.
GIFTOPS_INSTANCE={instance}
GIFTOPS_EPOCH=1

# Four different keys. Sealing keys: "kid:base64" separated by commas, newest first.
SECRET_KEY={secret}
GIFTOPS_SEALING_KEYS=k1:{sealing}
GIFTOPS_INDEX_KEY={index}
GIFTOPS_AUDIT_KEY={audit}
"""


def fresh_key() -> str:
    """Give 32 random bytes as standard base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def fresh_instance() -> str:
    """Give a short name for this installation, as it appears in references."""
    first = secrets.choice(string.ascii_uppercase)
    return first + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(3))


def fresh_settings() -> str:
    """Give the whole text with new keys."""
    return TEMPLATE.format(
        instance=fresh_instance(),
        secret=secrets.token_urlsafe(64),
        sealing=fresh_key(),
        index=fresh_key(),
        audit=fresh_key(),
    )


def write(path: Path) -> bool:
    """Create the file, whole and readable by its owner only; False if there is one already.

    It is written aside and then linked into place, which fails rather than replace: a crash leaves
    no half of a file, and of two runs at once only one writes.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(fresh_settings())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def main(arguments: list[str]) -> int:
    """Write the file and say so; an existing one is left alone and is no failure."""
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent / ".env"
    if write(path):
        print(f"{path}: written with fresh keys. Keep a copy in a safe place.")
    else:
        print(f"{path}: there already, left as it is.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
