//go:build !cert_manager_1_20

package main

import (
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
)

// limitBackoff sets the longest pause after failed requests, which 1.20 doesn't know yet.
func limitBackoff(o *controller.CertificateOptions) {
	o.CertificateRequestMaximumBackoffDuration = 32 * time.Hour
}
