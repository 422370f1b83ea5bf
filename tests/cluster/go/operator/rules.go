package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// keepAnnotation protects a repository against its deletion.
const keepAnnotation = "operator.frit.test/keep"

// The part of admission.k8s.io/v1 that is needed here.
type admissionReview struct {
	APIVersion string             `json:"apiVersion"`
	Kind       string             `json:"kind"`
	Request    *admissionRequest  `json:"request,omitempty"`
	Response   *admissionResponse `json:"response,omitempty"`
}

type admissionRequest struct {
	UID       string          `json:"uid"`
	Name      string          `json:"name"`
	Operation string          `json:"operation"`
	Object    json.RawMessage `json:"object"`
	OldObject json.RawMessage `json:"oldObject"`
}

type admissionResponse struct {
	UID     string  `json:"uid"`
	Allowed bool    `json:"allowed"`
	Status  *status `json:"status,omitempty"`
}

type status struct {
	Message string `json:"message"`
	Reason  string `json:"reason"`
	Code    int    `json:"code"`
}

type repository struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		URL string `json:"url"`
	} `json:"spec"`
}

// judge says why a request is denied; nothing where it is allowed.
func judge(request *admissionRequest) string {
	raw := request.Object
	if request.Operation == "DELETE" {
		raw = request.OldObject
	}
	var found repository
	if err := json.Unmarshal(raw, &found); err != nil {
		return fmt.Sprintf("package repository %q cannot be read: %v", request.Name, err)
	}
	if request.Operation == "DELETE" {
		if found.Metadata.Annotations[keepAnnotation] == "true" {
			return fmt.Sprintf("package repository %q is in use", request.Name)
		}
		return ""
	}
	return judgeURL(request.Name, found.Spec.URL)
}

func judgeURL(name, text string) string {
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Sprintf("the URL of package repository %q cannot be read: %v", name, err)
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return fmt.Sprintf("the URL of package repository %q must begin with http:// or https://", name)
	case parsed.Hostname() == "":
		return fmt.Sprintf("the URL of package repository %q names no host", name)
	case strings.HasSuffix(parsed.Hostname(), ".invalid"):
		// Reserved by RFC 2606: nobody will ever answer there.
		return fmt.Sprintf("the host of package repository %q can never be reached", name)
	}
	return ""
}
