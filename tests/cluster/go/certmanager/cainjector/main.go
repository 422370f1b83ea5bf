// The cainjector of cert-manager, for the throw-away cluster: a controller-runtime manager with the release's own
// four injectors.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	logsapi "k8s.io/component-base/logs/api/v1"
	apireg "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
)

type options struct {
	logging           logsapi.LoggingConfiguration
	namespace         string
	leaderElect       bool
	electionNamespace string
	leaseDuration     time.Duration
	renewDeadline     time.Duration
	retryPeriod       time.Duration
	metricsAddress    string
}

func main() {
	logf.InitLogs()
	defer logf.FlushLogs()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := logf.Log.WithName("cainjector")
	ctrl.SetLogger(log)
	if err := run(logf.NewContext(ctx, log), os.Args[1:]); err != nil {
		log.Error(err, "the cainjector ends")
		logf.FlushLogs()
		os.Exit(1)
	}
}

func parse(args []string) (*options, error) {
	o := &options{}
	logsapi.SetRecommendedLoggingConfiguration(&o.logging)
	flags := pflag.NewFlagSet("cainjector", pflag.ContinueOnError)
	logf.AddFlags(&o.logging, flags)
	flags.StringVar(&o.namespace, "namespace", "", "watch this namespace only")
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "run only while holding the lease")
	flags.StringVar(&o.electionNamespace, "leader-election-namespace", "kube-system", "namespace of the lease")
	flags.DurationVar(&o.leaseDuration, "leader-election-lease-duration", 60*time.Second, "age at which a lease is free")
	flags.DurationVar(&o.renewDeadline, "leader-election-renew-deadline", 40*time.Second, "age at which a leader gives up")
	flags.DurationVar(&o.retryPeriod, "leader-election-retry-period", 15*time.Second, "pause between attempts")
	flags.StringVar(&o.metricsAddress, "metrics-listen-address", "0.0.0.0:9402", "0 switches metrics off")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return o, logf.ValidateAndApply(&o.logging)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, cmapi.AddToScheme, apiext.AddToScheme, apireg.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	managerOptions := ctrl.Options{
		Scheme: scheme,
		Cache:  cache.Options{ReaderFailOnMissingInformer: true},
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		// Released on a clean stop, as upstream does: the next pod needn't wait for the lease to run out.
		LeaderElectionReleaseOnCancel: true,
		LeaderElection:                o.leaderElect,
		LeaderElectionNamespace:       o.electionNamespace,
		LeaderElectionID:              "cert-manager-cainjector-leader-election",
		LeaseDuration:                 &o.leaseDuration,
		RenewDeadline:                 &o.renewDeadline,
		RetryPeriod:                   &o.retryPeriod,
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
	}
	if o.namespace != "" {
		managerOptions.Cache.DefaultNamespaces = map[string]cache.Config{o.namespace: {}}
	}
	// The injectors take their field manager from the user agent; without one the API server refuses every injection.
	manager, err := ctrl.NewManager(util.RestConfigWithUserAgent(config, "cainjector"), managerOptions)
	if err != nil {
		return err
	}
	err = cainjector.RegisterAllInjectors(ctx, manager, cainjector.SetupOptions{
		Namespace:                    o.namespace,
		EnableCertificatesDataSource: true,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   true,
			cainjector.ValidatingWebhookConfigurationName: true,
			cainjector.APIServiceName:                     true,
			cainjector.CustomResourceDefinitionName:       true,
		},
	})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}
