"""Small repositories in folders, for tests: a clean one of our own, and changes to it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

CLEAN: Mapping[str, str] = {
    "index.yaml": """\
        packages:
          - name: store
            shortDescription: Keeps things
            iconUrl: https://example.com/store.svg
            latestVersion: v1.0.0+1
          - name: web
            shortDescription: Says hello
            iconUrl: https://example.com/web.svg
            latestVersion: v1.1.0+1
            scope: Namespaced
        """,
    "store/versions.yaml": """\
        latestVersion: v1.0.0+1
        versions:
          - version: v1.0.0+1
        """,
    "store/v1.0.0+1/package.yaml": """\
        name: store
        shortDescription: Keeps things
        iconUrl: https://example.com/store.svg
        defaultNamespace: store
        helm:
          repositoryUrl: https://charts.example.com
          chartName: store
          chartVersion: 2.0.1
          values:
            size: 1Gi
            backup:
              enabled: false
        valueDefinitions:
          backup:
            type: boolean
            defaultValue: "true"
            targets:
              - chartName: store
                valueTemplate: "{{.}}"
                patch:
                  op: add
                  path: /backup/enabled
          size:
            type: number
            defaultValue: "1"
            constraints:
              min: 1
              max: 9
            targets:
              - chartName: store
                patch:
                  op: replace
                  path: /size
        """,
    "web/versions.yaml": """\
        latestVersion: v1.1.0+1
        versions:
          - version: v1.0.0+1
          - version: v1.1.0+1
        """,
    "web/v1.0.0+1/package.yaml": """\
        name: web
        scope: Namespaced
        defaultNamespace: default
        manifests:
          - url: ./manifest.yaml
        """,
    "web/v1.0.0+1/manifest.yaml": """\
        apiVersion: v1
        kind: Service
        metadata:
          name: web
        """,
    "web/v1.1.0+1/package.yaml": """\
        name: web
        shortDescription: Says hello
        iconUrl: https://example.com/web.svg
        scope: Namespaced
        defaultNamespace: default
        manifests:
          - url: manifest.yaml
        references:
          - label: Home
            url: https://example.com/
        entrypoints:
          - serviceName: web
            port: 80
        dependencies:
          - name: store
            version: 1.x.x
        valueDefinitions:
          level:
            type: number
            constraints:
              min: 0
            targets:
              - resource:
                  apiGroup: apps/v1
                  kind: Deployment
                  name: web
                patch:
                  op: replace
                  path: /metadata/annotations/example.com~1level
          words:
            type: text
            defaultValue: hello
            constraints:
              pattern: ^[a-z ]+$
            targets:
              - resource:
                  apiGroup: apps
                  kind: Deployment
                  name: web
                patch:
                  op: replace
                  path: /spec/template/spec/containers/0/args/0
        """,
    "web/v1.1.0+1/manifest.yaml": """\
        apiVersion: v1
        kind: List
        items:
          - apiVersion: v1
            kind: Service
            metadata:
              name: web
          - apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              annotations:
                example.com/level: "1"
            spec:
              template:
                spec:
                  containers:
                    - args: [hello]
        """,
}
"""A repository that no rule has anything to say about: path -> text."""


def write(folder: Path, files: Mapping[str, str | bytes] = CLEAN) -> Path:
    """Write files below a folder, and give the folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return folder


def change(folder: Path, path: str, old: str, new: str) -> None:
    """Replace the one place of a text in a file."""
    text = (folder / path).read_text()
    assert text.count(old) == 1, (path, old, text.count(old))
    (folder / path).write_text(text.replace(old, new))
