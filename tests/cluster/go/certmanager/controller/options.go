package main

import (
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/cert-manager/cert-manager/pkg/controller"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

type options struct {
	logging           logsapi.LoggingConfiguration
	context           controller.ContextOptions
	leaderElect       bool
	electionNamespace string
	leaseDuration     time.Duration
	renewDeadline     time.Duration
	retryPeriod       time.Duration
	healthzAddress    string
	metricsAddress    string
}

// parse reads the flags that the release's manifest and chart pass; everything else has upstream's default.
func parse(args []string) (*options, error) {
	o := &options{}
	o.context.KubernetesAPIQPS = 20
	o.context.KubernetesAPIBurst = 50
	o.context.ClusterIssuerAmbientCredentials = true
	o.context.HTTP01SolverResourceRequestCPU = resource.MustParse("10m")
	o.context.HTTP01SolverResourceRequestMemory = resource.MustParse("64Mi")
	o.context.HTTP01SolverResourceLimitsCPU = resource.MustParse("100m")
	o.context.HTTP01SolverResourceLimitsMemory = resource.MustParse("64Mi")
	o.context.ACMEHTTP01SolverRunAsNonRoot = true
	o.context.DNS01CheckAuthoritative = true
	o.context.DNS01CheckRetryPeriod = 10 * time.Second
	o.context.DefaultIssuerKind = "Issuer"
	o.context.DefaultIssuerGroup = "cert-manager.io"
	o.context.DefaultAutoCertificateAnnotations = []string{"kubernetes.io/tls-acme"}
	o.context.CopiedAnnotationPrefixes = []string{
		"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/",
	}
	o.context.CertificateRequestMinimumBackoffDuration = time.Hour
	limitBackoff(&o.context.CertificateOptions)
	logsapi.SetRecommendedLoggingConfiguration(&o.logging)

	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	logf.AddFlags(&o.logging, flags)
	flags.StringVar(&o.context.Namespace, "namespace", "", "watch this namespace only")
	flags.StringVar(&o.context.ClusterResourceNamespace, "cluster-resource-namespace", "kube-system",
		"namespace of the Secrets that ClusterIssuers name")
	flags.StringVar(&o.context.HTTP01SolverImage, "acme-http01-solver-image", "", "image that solves HTTP01 challenges")
	flags.BoolVar(&o.context.EnableOwnerRef, "enable-certificate-owner-ref", false, "let a Certificate own its Secret")
	flags.IntVar(&o.context.MaxConcurrentChallenges, "max-concurrent-challenges", 60, "challenges at a time")
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "run only while holding the lease")
	flags.StringVar(&o.electionNamespace, "leader-election-namespace", "kube-system", "namespace of the lease")
	flags.DurationVar(&o.leaseDuration, "leader-election-lease-duration", 60*time.Second, "age at which a lease is free")
	flags.DurationVar(&o.renewDeadline, "leader-election-renew-deadline", 40*time.Second, "age at which a leader gives up")
	flags.DurationVar(&o.retryPeriod, "leader-election-retry-period", 15*time.Second, "pause between attempts")
	flags.StringVar(&o.healthzAddress, "healthz-listen-address", "0.0.0.0:9403", "where /livez is served")
	flags.StringVar(&o.metricsAddress, "metrics-listen-address", "0.0.0.0:9402", "where /metrics is served")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return o, logf.ValidateAndApply(&o.logging)
}
