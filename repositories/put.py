"""Adding and updating a repository: look first, decide, then write the Secret and the object in an order that is safe.

The order is told in repositories/secrets.py. Nothing is written before the repository was looked at, and nothing at
all where everything is as it shall be.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from base.errors import Cancelled, FritError, PreflightFailed, RepositoryUnusable, ServerRefused
from base.events import Said
from kube.apply import Applier, Change
from kube.objects import Object, Ref
from kube.objects import field as field_of
from repositories import secrets
from repositories.credentials import KEYS, Credentials, Place, Veil, annotations_of, auth_of, places, stored
from repositories.defaults import claim
from repositories.intent import Given, Intent, achieved, intended, origin, same_url
from repositories.looking import Reader, Seen
from repositories.objects import API_VERSION, REPOSITORIES, Repository, is_default
from repositories.registry import as_registered, defaults, listed, register
from repositories.secrets import Kept
from repositories.targets import not_registered
from repositories.writing import read, write

LOOK_LIMIT = 20.0
"""Seconds for which a repository that does not answer is asked before it is added."""

SECRET_KEYS = frozenset(KEYS[what] for what in ("password", "token", "client_key"))


@dataclass(frozen=True)
class Wish:
    """What shall be registered. `url` None keeps the one that is there.

    `force` does without the look; `anew` says that the repository may be a new one (`add`), else it must be there.
    """

    name: str
    url: str | None = None
    default: bool = False
    given: Given = field(default_factory=Given)
    force: bool = False
    anew: bool = True
    force_conflicts: bool = False


@dataclass(frozen=True)
class Put:
    """What was done: the change, the object, and what was seen of the repository (None: it was not looked at)."""

    change: Change
    obj: Object
    seen: Seen | None = None


def ref_for(name: str) -> Ref:
    """The identity of a PackageRepository."""
    return Ref(API_VERSION, REPOSITORIES.kind, "", name)


def put(applier: Applier, wish: Wish, reader: Reader, veil: Veil) -> Put:
    """Make it so, and say what changed. `veil` learns every secret that comes by.

    Raises `PreflightFailed` (also where the repository that shall be updated is not there), `RepositoryUnusable` where
    it cannot be read and the wish does not insist, `CannotTell`, `ServerRefused`, `ApiError` and `Cancelled`.
    """
    existing = listed(applier.client)
    before = next((one for one in existing if field_of(one, "metadata", "name") == wish.name), None)
    if before is None and not wish.anew:
        raise not_registered(wish.name, existing)
    if wish.default:
        _one_default(wish.name, existing)
    url = wish.url or str(field_of(before or {}, "spec", "url", default=""))
    kept = secrets.kept_for(applier.client, wish.name) if wish.given else {}
    veil.add(*(one.value for one in places(before or {})), *wish.given.new.secrets())
    veil.add(*(value for one in kept.values() for key, value in one.entries.items() if key in SECRET_KEYS))
    intent = intended(before, wish.name, url, wish.given, kept)
    if before is not None and _in_place(before, intent, kept, wish):
        return Put(Change.UNCHANGED, before)
    seen = None if wish.force else _look(applier, reader, intent, veil)
    _warn(applier, intent)
    change, uid = _write(applier, wish, before, intent, kept)
    default = wish.default and claim(applier, wish.name, over=False) == wish.name
    if default and change is Change.UNCHANGED and not is_default(before or {}):
        change = Change.CHANGED
    shown = achieved(_copy(before, wish.name), intent, default=default)
    shown["metadata"].setdefault("uid", uid)
    return Put(change, shown, seen)


def _one_default(name: str, existing: Sequence[Object]) -> None:
    others = [other for other in defaults([as_registered(one) for one in existing]) if other != name]
    if others:
        raise PreflightFailed(
            f"could not make {name} the default repository: {' and '.join(others)} is it already",
            hint=f"leave --default out, and afterwards move the mark, which changes where packages come from:\n"
            f"frit repo set-default {name}",
        )


def _in_place(before: Object, intent: Intent, kept: Mapping[str, Kept], wish: Wish) -> bool:
    """Whether everything is there already."""
    if intent.old or (wish.default and not is_default(before)) or not same_url(before, intent.url):
        return False
    if intent.secret and not _saved(intent, kept, str(field_of(before, "metadata", "uid", default=""))):
        return False
    return achieved(_copy(before, wish.name), intent, default=wish.default) == before


def _saved(intent: Intent, kept: Mapping[str, Kept], uid: str) -> bool:
    """Whether the Secret is as it shall be."""
    there = kept.get(intent.secret)
    return there is not None and bool(uid) and there.entries == intent.values and there.owner == uid


def _copy(before: Object | None, name: str) -> Object:
    if before is not None:
        return copy.deepcopy(before)
    return {"apiVersion": API_VERSION, "kind": REPOSITORIES.kind, "metadata": {"name": name}, "spec": {}}


def _look(applier: Applier, reader: Reader, intent: Intent, veil: Veil) -> Seen:
    try:
        given = Credentials(**{what: intent.values[key] for what, key in _own(intent)})
        rest = [one for one in intent.places if one.secret != intent.secret or not intent.secret]
        credentials = _joined(given, _stored(applier, rest))
        veil.add(*credentials.secrets())
        deadline = applier.deadline.sooner(LOOK_LIMIT)
        seen = reader(intent.url, credentials, run=applier.run, deadline=deadline, fresh=True)
        if seen.stale:
            raise RepositoryUnusable(f"could not read {intent.url}, only what was kept of it before: {seen.note}")
        return seen
    except RepositoryUnusable as error:
        hint = "to register it all the same, before it can be reached: --force"
        error.hint = f"{error.hint}\n{hint}" if error.hint else hint
        raise


def _own(intent: Intent) -> list[tuple[str, str]]:
    return [(one.what, one.key) for one in intent.places if intent.secret and one.secret == intent.secret]


def _stored(applier: Applier, found: Sequence[Place]) -> Credentials:
    obj: Object = {"metadata": {"annotations": annotations_of(found)}, "spec": {"auth": auth_of(found) or {}}}
    return stored(obj, lambda name: secrets.read_entries(applier.client, name))


def _joined(one: Credentials, other: Credentials) -> Credentials:
    return replace(other, **{name: value for name in vars(one) if (value := getattr(one, name))})


def _warn(applier: Applier, intent: Intent) -> None:
    scheme, host, _ = origin(intent.url)
    secret = any(one.what in ("password", "token") for one in intent.places)
    if scheme == "http" and secret and host not in ("localhost", "127.0.0.1", "::1"):
        applier.emit(Said(f"{intent.url} is plain http: the credentials can be read on their way", "warning"))


def _write(
    applier: Applier, wish: Wish, before: Object | None, intent: Intent, kept: Mapping[str, Kept]
) -> tuple[Change, str]:
    uid = str(field_of(before or {}, "metadata", "uid", default=""))
    saved = None
    if intent.secret and not _saved(intent, kept, uid):
        there = kept.get(intent.secret)
        saved = secrets.save(applier, wish.name, intent.secret, intent.values, uid, there.entries if there else {})
    try:
        change, uid = _write_object(applier, wish, before, intent)
    except FritError as error:
        switched = secrets.in_use(before, wish.name) != intent.secret
        if saved is not None and switched and not isinstance(error, Cancelled):
            _take_back(applier, wish.name, Kept(intent.secret, {}, saved.uid))
        raise
    if intent.secret and before is None:
        secrets.save(applier, wish.name, intent.secret, intent.values, uid, intent.values)
    for one in intent.old:
        secrets.discard(applier, one)
    if change is Change.UNCHANGED and (intent.old or (saved is not None and saved.change is not Change.UNCHANGED)):
        change = Change.CHANGED
    return change, uid


def _write_object(applier: Applier, wish: Wish, before: Object | None, intent: Intent) -> tuple[Change, str]:
    if before is None and not intent.places:
        sent = Repository(wish.name, intent.url)
        return applier.together(lambda one: register(applier, one), [sent])[0].change, ""

    def edit(now: Object | None) -> Object:
        if now is None and before is not None:
            raise ServerRefused(f"could not change {ref_for(wish.name)}: somebody has deleted it meanwhile")
        whole = achieved(_copy(now, wish.name), intent, default=False)
        if now is not None and whole != now and not _as_before(now, before, intent):
            raise ServerRefused(
                f"could not change {ref_for(wish.name)}: somebody else has changed it at the same moment",
                hint=f"frit repo show {wish.name}   shows what it is now; run this again if it still shall be changed",
            )
        return whole

    def work(_: None) -> tuple[Change, str]:
        written = write(applier, REPOSITORIES, ref_for(wish.name), edit, force_conflicts=wish.force_conflicts)
        return written.change, written.uid

    return applier.together(work, [None])[0]


def _as_before(now: Object, before: Object | None, intent: Intent) -> bool:
    """Whether the parts that are about to change are still what the decision was made on."""
    if before is None:
        return same_url(now, intent.url) and not field_of(now, "spec", "auth")
    keys = [("spec",), ("metadata", "annotations")]
    return all(field_of(now, *key) == field_of(before, *key) for key in keys)


def _take_back(applier: Applier, name: str, made: Kept) -> None:
    """Delete a Secret that was written for an object that the server then refused; unless it is in use after all."""
    with contextlib.suppress(FritError):  # what is left over is cleared away by the next write of this repository
        now = read(applier, REPOSITORIES, ref_for(name))
        if secrets.in_use(now, name) != made.name:
            secrets.discard(applier, made)
