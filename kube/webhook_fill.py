"""Who should fill a webhook's CA bundle, from what, and why it has not.

Sources: cert-manager's documentation, "CA Injector" (its annotations, and the labels of its chart's Deployment);
OpenShift's documentation, "Service CA certificates"; OLM's labels. Where no annotation asks anybody, it is the
product itself, and managedFields tell who wrote the bundle last (Kubernetes documentation, "Server-Side Apply").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kube.bounded import Questions, Told
from kube.discovery import CORE_V1, DEPLOYMENTS, Resource
from kube.objects import Object, condition, field, ref_of
from kube.readiness import readiness_of
from kube.webhook_registrations import Registration
from kube.x509 import certificates_in, contains, decoded

CERTIFICATES = Resource("cert-manager.io", "v1", "certificates", "Certificate", True)
FROM_CERTIFICATE = "cert-manager.io/inject-ca-from"
FROM_SECRET = "cert-manager.io/inject-ca-from-secret"  # noqa: S105 -- the name of an annotation
FROM_API_SERVER = "cert-manager.io/inject-apiserver-ca"
ALLOWED = "cert-manager.io/allow-direct-injection"
OPENSHIFT = "service.beta.openshift.io/inject-cabundle"
OLM = "olm.owner"
INJECTOR = {"labelSelector": "app.kubernetes.io/component=cainjector"}


@dataclass(frozen=True)
class Filler:
    """Who fills a bundle. Empty texts: nobody is known, nothing is wrong.

    `source` names the object that holds the CA, `writer` the field manager that wrote the bundle last. `has_ca`:
    whether the source exists and holds one; `filled`: whether that CA stands in the bundle; None: not known or asked.
    `problem` says why the bundle is not right, `steps` what to do about it, one a line.
    """

    by: str = ""
    source: str = ""
    writer: str = ""
    has_ca: bool | None = None
    filled: bool | None = None
    problem: str = ""
    steps: tuple[str, ...] = ()


def ask_filler(questions: Questions, registration: Registration) -> Filler:
    """Find out who fills a bundle; at most three reads, none where no object holds the CA."""
    annotations = field(registration.obj, "metadata", "annotations", default={})
    filler = Filler(writer=writer_of(registration))
    if source := annotations.get(FROM_CERTIFICATE):
        return _from_certificate(questions, registration, replace(filler, by="cert-manager's cainjector"), str(source))
    if source := annotations.get(FROM_SECRET):
        filler = replace(filler, by="cert-manager's cainjector")
        return _from_secret(questions, registration, filler, str(source), direct=True)
    if str(annotations.get(FROM_API_SERVER)) == "true":
        return replace(filler, by="cert-manager's cainjector", source="the API server's own CA")
    if str(annotations.get(OPENSHIFT)) == "true":
        return replace(filler, by="OpenShift's service-ca operator", source="its signing CA")
    if OLM in field(registration.obj, "metadata", "labels", default={}):
        return replace(filler, by="OLM's olm-operator")
    return replace(filler, by=registration.product.fills)


def writer_of(registration: Registration) -> str:
    """The field manager that owns a registration's caBundle, or an empty text."""
    path = ["f:clientConfig", "f:caBundle"]
    if registration.conversion:
        path = ["f:spec", "f:conversion", "f:webhook", *path]
    else:
        path = ["f:webhooks", f'k:{{"name":"{registration.name}"}}', *path]
    entries = field(registration.obj, "metadata", "managedFields", default=[])
    owners = [one for one in entries if field(one, "fieldsV1", *path) is not None]
    return str(owners[-1].get("manager", "")) if owners else ""


def _from_certificate(questions: Questions, registration: Registration, filler: Filler, source: str) -> Filler:
    namespace, _, name = source.partition("/")
    title = f"Certificate {source}"
    told = questions.get(CERTIFICATES, namespace, name)
    if told.missing:
        problem = f"{title} does not exist"
        steps = (f"kubectl -n {namespace} get certificates",)
        return replace(filler, source=title, has_ca=False, problem=problem, steps=steps)
    if not told.known:
        return replace(filler, source=title)
    ready = condition(told.value or {}, "Ready")
    secret = str(field(told.value, "spec", "secretName", default=""))
    found = _from_secret(questions, registration, filler, f"{namespace}/{secret}", direct=False)
    found = replace(found, source=f"{title} (Secret {namespace}/{secret})")
    if ready.get("status") != "True" and not found.has_ca:
        said = ready.get("message") or "its status is empty"
        describe = (f"kubectl -n {namespace} describe certificate {name}",)
        return replace(found, problem=f"{title} is not ready: {said}", steps=describe)
    return found


def _from_secret(
    questions: Questions, registration: Registration, filler: Filler, source: str, *, direct: bool
) -> Filler:
    namespace, _, name = source.partition("/")
    title = f"Secret {source}"
    filler = replace(filler, source=title)
    told = questions.get(CORE_V1["Secret"], namespace, name)
    if not told.known:
        return filler
    steps: tuple[str, ...] = (f"kubectl -n {namespace} get secrets",)
    if told.missing:
        return replace(filler, has_ca=False, problem=f"{title} does not exist", steps=steps)
    authority = decoded(field(told.value, "data", "ca.crt"))
    if not certificates_in(authority):
        return replace(filler, has_ca=False, problem=f"{title} holds no CA under ca.crt", steps=steps)
    filler = replace(filler, has_ca=True, filled=contains(registration.bundle, authority))
    if filler.filled:
        return filler
    if direct and str(field(told.value, "metadata", "annotations", ALLOWED)) != "true":
        command = f"kubectl -n {namespace} annotate secret {name} {ALLOWED}=true"
        return replace(filler, problem=f"{title} lacks the annotation {ALLOWED}: true", steps=(command,))
    problem, steps = why_not_injected(questions.list(DEPLOYMENTS, query=INJECTOR))
    return replace(filler, problem=problem, steps=steps)


def why_not_injected(injectors: Told) -> tuple[str, tuple[str, ...]]:
    """Why cainjector has not written a CA that is there, by its Deployments, and what to do."""
    if not injectors.known:
        return "cainjector has not written it", ()
    if not injectors.items:
        return "no Deployment of a cainjector is there to write it", ("frit bootstrap   installs cert-manager",)
    problems = [(_trouble(one), one) for one in injectors.items]
    trouble, injector = next(((text, one) for text, one in problems if not text), problems[0])
    ref = ref_of(injector)
    if field(injector, "spec", "replicas", default=1) == 0:
        return trouble, (f"kubectl -n {ref.namespace} scale deployment {ref.name} --replicas=1",)
    logs = f"kubectl -n {ref.namespace} logs deployment/{ref.name}"
    if trouble:
        return trouble, (f"kubectl -n {ref.namespace} describe deployment {ref.name}", logs)
    return f"{ref} runs and has not written it yet; after a hard stop it waits up to 60 s for its lease", (logs,)


def _trouble(deployment: Object) -> str:
    ref = ref_of(deployment)
    if field(deployment, "spec", "replicas", default=1) == 0:
        return f"{ref} is scaled to 0"
    verdict = readiness_of(deployment)
    return "" if verdict.ready else f"{ref} is not ready: {verdict.reason}"
