"""A `package.yaml` as people write it: a chart with values, links, and two values that users can set."""

from __future__ import annotations


def manifest(about: str, package: str, icon: str, version: str) -> str:
    """The text for a version of a package; `about` are the lines with its name, its scope and its description."""
    chart = version[1:].partition("+")[0]
    return f"""\
# yaml-language-server: $schema=https://glasskube.dev/schemas/v1/package-manifest.json

{about}
longDescription: |
  {package} is installed from its chart, version {chart}.

  It needs 128 MiB of memory to begin with, and more where much is going on.
iconUrl: {icon}
defaultNamespace: {package}
helm:
  repositoryUrl: https://charts.example.com/{package}
  chartName: {package}
  chartVersion: {chart}
  values:
    replicas: 1
    resources:
      requests:
        cpu: 100m
        memory: 128Mi
    metrics:
      enabled: false
      labels:
        release: kube-prometheus-stack
references:
  - label: ArtifactHub
    url: https://artifacthub.io/packages/helm/{package}/{package}
  - label: Source
    url: https://github.com/{package}/{package}
valueDefinitions:
  metrics:
    type: boolean
    metadata:
      description: Requires kube-prometheus-stack
    defaultValue: "false"
    targets:
      - chartName: {package}
        valueTemplate: "{{{{.}}}}"
        patch:
          op: replace
          path: /metrics/enabled
  replicas:
    type: number
    metadata:
      label: Replicas
      hints:
        - More than one for high availability
    defaultValue: "1"
    constraints:
      min: 1
      max: 9
    targets:
      - chartName: {package}
        valueTemplate: "{{{{.}}}}"
        patch:
          op: replace
          path: /replicas
entrypoints:
  - serviceName: {package}
    port: 80
    scheme: http
"""
