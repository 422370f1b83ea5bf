"""The tables for what API servers say about themselves: their admission, their storage, the servers behind them.

`failure_reader` takes a text out of its envelope and picks the table; the first rule that matches decides. Names are
blanked before, so that an object called "forbidden" changes nothing. Sources: apimachinery's api/errors, apiserver's
admission plugins and endpoints/filters, client-go's rest, kube-aggregator, etcd's rpctypes.
"""

from __future__ import annotations

from typing import Final

from kube import failure_causes as causes
from kube import failure_words as words
from kube.failure_kinds import Kind
from kube.failure_table import Pattern, Rule

_ETCD: Final = "API server -> etcd"
_KUBELET: Final = "API server -> kubelet"
_AGGREGATED: Final = "API server -> aggregated API"
_GROUP: Final = f"{_AGGREGATED} {{group}}"

_UNAUTHORIZED = Pattern(r"(?:^\W{0,4}|[:(=\]] ?\"?)unauthorized(?:$|[\s),;:'\"`*}]|\.+(?:\s|$))")
_VERSION = r"v\d+(?:(?:alpha|beta)\d+)?"
_GROUP_VERSION = Pattern(
    rf"(?P<group>[a-z0-9][a-z0-9.-]{{0,252}}/{_VERSION}): "
    r"(?:the server is currently unable|stale groupversion discovery)"
)
_GROUP_ASKED = Pattern(r"unable to handle the request \([a-z]+ [a-z]+\.(?P<group>[a-z0-9-]{1,63}\.[a-z0-9.-]{1,253})\)")
_API_SERVICE = Pattern(rf"\b(?P<version>{_VERSION})\.(?P<group>[a-z0-9.-]{{1,253}})\"? failed with: ")
_KUBELET_TRUST = Pattern(r"(?:error dialing backend: |:10250/).{0,400}?(?:x509: |remote error: tls: )")
_KUBELET_CALL = Pattern(r"error dialing backend: |:10250/(?:containerlogs|exec|attach|portforward|run|stats|metrics)")
_NO_RESOURCE = Pattern(r"no matches for \S+, (?:resource|kind)=")
_NO_OBJECT = Pattern(r"(?:[a-z0-9.-]{1,253} )?\"[^\"]*\" not found")
_ETCD_SAYS = Pattern(r"etcdserver: [a-z ,:-]{1,100}|etcd cluster is unavailable")
_POLICY = Pattern(r"validating(?:admission)?policy '(?P<name>[^']{1,300})'")
_LIMIT = Pattern(r"(?:minimum|maximum|max limit) .{1,100}(?:usage|ratio|storage).{0,20} per ")
_BUILT_IN = Pattern(r"no matches for kind \"\" in version \"(?:[a-z0-9-]{1,63}/)?v\d\w{0,20}\"")
_SERVICE_ACCOUNT = Pattern(r"serviceaccount \S+ not found")

SENTENCES: Final[tuple[Rule, ...]] = (
    Rule(Kind.UNAUTHENTICATED, status=(401,)),
    Rule(
        Kind.UNAUTHENTICATED,
        (
            "must be logged in to the server",
            "asked for the client to provide credentials",
            '"system:anonymous" cannot',
        ),
        (403,),
    ),
    Rule(
        Kind.UNAUTHENTICATED,
        (
            "unable to authenticate the request",
            "invalid bearer token",
            "token is expired",
            "token has expired",
            "oidc: verify token",
        ),
        (401,),
        why=causes.TOKEN,
    ),
    Rule(Kind.UNAUTHENTICATED, ("unauthorized",), (401,), also=_UNAUTHORIZED),
    Rule(
        Kind.TERMINATING,
        (
            "because it is being terminated",
            "object is being deleted",
            "ensuring all content is removed",
            "custom resource definition is terminating",
            "cause=namespaceterminating",
        ),
        (403, 405, 409),
    ),
    Rule(
        Kind.DENIED,
        ("denied request: ",),
        (400, 403, 413, 422),
        also=_POLICY,
        why=causes.POLICY,
        between="API server -> ValidatingAdmissionPolicy {name}",
    ),
    Rule(Kind.DENIED, ("denied request: ",), (400, 403, 413, 422), why=causes.POLICY),
    # Refusals of an admission that cannot tell yet: they end by themselves.
    Rule(Kind.API_UNAVAILABLE, ("is forbidden: not yet ready to handle request",), (403,), why=causes.STARTING),
    Rule(Kind.API_UNAVAILABLE, ("is forbidden: status unknown for quota: ",), (403,), why=causes.QUOTA_NOT_COUNTED),
    Rule(Kind.API_UNAVAILABLE, ("no api token found for service account ",), (403, 500), why=causes.STARTING),
    Rule(Kind.DENIED, ("exceeded quota: ", "failed quota: ", "insufficient quota to match"), (403,), why=causes.QUOTA),
    Rule(
        Kind.DENIED,
        (
            "violates podsecurity ",
            "podsecuritypolicy: ",
            "against any pod security policy",
            "against any security context constraint",
        ),
        (403,),
        why=causes.POD_SECURITY,
    ),
    Rule(Kind.DENIED, ("is forbidden: ",), (403,), also=_LIMIT, why=causes.LIMITS),
    Rule(Kind.NOT_FOUND, ("error looking up service account ",), (403,), also=_SERVICE_ACCOUNT, why=causes.NO_ACCOUNT),
    Rule(
        Kind.FORBIDDEN,
        ("attempt to grant extra privileges", "attempting to grant rbac permissions"),
        (403,),
        why=causes.ESCALATION,
    ),
    Rule(
        Kind.FORBIDDEN,
        (
            "is forbidden: user ",
            "forbidden: user ",
            "forbidden! user ",
            "does not allow access to the requested resource",
            "configured service account doesn't have access",
            "cannot set blockownerdeletion",
            "cannot set an ownerref",
            "is forbidden: node ",
            "not permitted to ",
            "code = permissiondenied",
        ),
        (403,),
    ),
    # What no authorizer says is an admission plugin's: both are worded as "KIND NAME is forbidden: WHY".
    Rule(Kind.DENIED, ("is forbidden: ",), (403,), why=causes.PLUGIN),
    Rule(Kind.FORBIDDEN, status=(403,)),
    Rule(Kind.FIELD_CONFLICT, ("apply failed with ", "cause=fieldmanagerconflict"), (409,)),
    Rule(
        Kind.CONFLICT,
        ("the object has been modified", "operation cannot be fulfilled on", "the server reported a conflict"),
        (409,),
    ),
    Rule(Kind.CRD_NOT_ESTABLISHED, ("storage is (re)initializing",)),
    Rule(
        Kind.INVALID,
        (
            "is invalid: ",
            "strict decoding error",
            "rejected our request due to an error",
            "rejected our request for an unknown reason",
            "request entity too large",
            "request body too large",
            "cannot be handled as a ",
            "does not match the expected api version",
            "does not match the namespace sent on the request",
            "metadata.managedfields must be nil",
            "field is immutable",
            "resource name may not be empty",
            "error decoding patch: ",
        ),
        (400, 413, 422),
    ),
    # Server-side apply says so with a 500 (kubernetes/kubernetes#122480).
    Rule(
        Kind.INVALID,
        ("failed to create typed patch object", "field not declared in schema", "to smd typed: "),
        (400, 422, 500),
    ),
    Rule(Kind.ALREADY_EXISTS, ('" already exists', "name that is still in use", "reason=alreadyexists"), (409,)),
    Rule(Kind.CONFLICT, status=(409, 410)),
    Rule(
        Kind.CONFLICT,
        (
            "continue parameter is too old",
            "too old resource version",
            "required revision has been compacted",
        ),
        (410, 500),
    ),
    Rule(Kind.RATE_LIMITED, ("cannot evict pod as it would violate",), (429,), why=causes.DISRUPTION),
    Rule(Kind.RATE_LIMITED, ("client-side throttling",), (429,), why=causes.CLIENT_LIMIT, between="client"),
    Rule(Kind.RATE_LIMITED, ("too many requests",), (429,)),
    Rule(Kind.RATE_LIMITED, status=(429,)),
    Rule(Kind.PERMANENT_CONFIG, ("no matches for kind ",), also=_BUILT_IN, why=causes.REMOVED_API),
    Rule(
        Kind.CRD_NOT_ESTABLISHED,
        (
            "no matches for kind ",
            "the kubernetes api could not find ",
            "could not find the requested resource",
            "404 page not found",
            "failed to find api group ",
            "no resources found for group ",
            "have a resource type ",
            "isn't valid for cluster, check the apiversion and kind",
        ),
        (404,),
    ),
    Rule(Kind.CRD_NOT_ESTABLISHED, ("no matches for ",), (404,), also=_NO_RESOURCE),
    Rule(Kind.NOT_FOUND, ("no matching resources found",)),
    Rule(Kind.NOT_FOUND, ('" not found',), (404,), also=_NO_OBJECT),
    Rule(Kind.NOT_FOUND, status=(404,)),
    Rule(Kind.INVALID, status=(400, 405, 406, 411, 413, 414, 415, 422, 431)),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("database space exceeded", "etcdserver: no space"),
        (500,),
        why=causes.ETCD_SPACE,
        between=_ETCD,
    ),
    Rule(Kind.INVALID, ("request is too large",), (500,), why=causes.TOO_LARGE, between=_ETCD),
    # Source: Kubernetes 1.34, pkg/registry/core/service/ipallocator: no range that is ready counts as a full one.
    Rule(Kind.API_UNAVAILABLE, ("failed to allocate a serviceip",), (500,), why=causes.NO_SERVICE_ADDRESS),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("operation does not apply: ", "in applying json patch"),
        (500,),
        why=causes.BAD_PATCH,
        between="API server -> mutating webhook",
    ),
    Rule(
        Kind.PERMANENT_CONFIG,
        ("error dialing backend: ", ":10250/"),
        (500,),
        also=_KUBELET_TRUST,
        why=causes.KUBELET_TLS,
        between=_KUBELET,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("error dialing backend: ", ":10250/"),
        (500, 502, 503),
        also=_KUBELET_CALL,
        why=causes.KUBELET,
        between=_KUBELET,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("etcdserver: ", "etcd cluster is unavailable"),
        (500, 503, 504),
        also=_ETCD_SAYS,
        why=causes.ETCD,
        between=_ETCD,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("the server is currently unable to handle the request", "stale groupversion discovery"),
        (500, 503),
        also=_GROUP_VERSION,
        why=causes.AGGREGATED,
        between=_GROUP,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("the server is currently unable to handle the request",),
        (500, 503),
        also=_GROUP_ASKED,
        why=causes.AGGREGATED,
        between=_GROUP,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("failed with: ",),
        (500, 503),
        also=_API_SERVICE,
        why=causes.AGGREGATED,
        between="API server -> aggregated API {group}/{version}",
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        ("error trying to reach service", "metrics api not available"),
        (500, 502, 503, 504),
        why=causes.AGGREGATED,
        between=_AGGREGATED,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        (
            "unable to return a response in the time allotted",
            "request did not complete within",
            "failed to complete mutation in",
            "failed to complete validation in",
            "evaluation timed out",
            "http: handler timeout",
            "too large resource version",
        ),
        (500, 503, 504),
        why=causes.SLOW,
    ),
    Rule(
        Kind.API_UNAVAILABLE,
        (
            "the server is currently unable to handle the request",
            "could not be completed at this time",
            "transport is closing",
            "the client connection is closing",
            "apiserver is shutting down",
            "apiserver not ready",
            "an error on the server",
            "code = unavailable",
            "code = deadlineexceeded",
            "missing http content-type",
        ),
        (500, 503, 504),
    ),
    Rule(Kind.API_UNAVAILABLE, status=(408, 425, *range(502, 600))),
)
"""What API servers say about themselves, their admission and their storage."""

SERVER: Final[tuple[Rule, ...]] = (
    *SENTENCES,
    # The API server's own connections: to etcd, to an authorizer, to an aggregated API.
    Rule(Kind.API_UNAVAILABLE, (*words.REFUSED, *words.BROKEN, *words.ANSWERED_FOR, *words.SILENT), (500,)),
)
"""An answer that is a Status."""

BETWEEN: Final[tuple[Rule, ...]] = (
    Rule(Kind.PERMANENT_CONFIG, ("http request to an https server",), (400,), why=causes.NOT_TLS),
    Rule(Kind.PERMANENT_CONFIG, status=(407,), why=causes.PROXY),
    Rule(Kind.PERMANENT_CONFIG, ("<html", "<!doctype html"), (400, 403, 404, 405), why=causes.NOT_AN_API_SERVER),
    Rule(Kind.PERMANENT_CONFIG, status=tuple(range(300, 400)), why=causes.NOT_AN_API_SERVER),
    Rule(Kind.API_UNAVAILABLE, status=(500,)),
    *SERVER,
)
"""An answer that is no Status: the API server's plain texts, or whoever stands before it."""
