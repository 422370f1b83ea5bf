// The controller of cert-manager, for the throw-away cluster: the release's own control loops behind its lease and
// its health endpoint.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/server"
)

const (
	workers           = 5
	lockName          = "cert-manager-controller"
	leaseGracePeriod  = 20 * time.Second
	metricsStopPeriod = 5 * time.Second
)

var errLeaseLost = errors.New("the lease was lost")

func main() {
	logf.InitLogs()
	defer logf.FlushLogs()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	log := logf.Log.WithName("controller")
	if err := run(logf.NewContext(ctx, log), os.Args[1:]); err != nil {
		log.Error(err, "the controller ends")
		logf.FlushLogs()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	health := healthz.NewServer(leaseGracePeriod)
	healthListener, err := server.Listen(ctx, "tcp", o.healthzAddress)
	if err != nil {
		return err
	}
	group.Go(func() error { return health.Start(ctx, healthListener) })

	factory, err := controller.NewContextFactory(ctx, o.context)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	if err := serveMetrics(ctx, group, shared, o.metricsAddress); err != nil {
		return err
	}
	if !o.leaderElect {
		group.Go(func() error { return control(ctx, factory, shared) })
		return group.Wait()
	}
	group.Go(func() error { return lead(ctx, o, factory, shared, health) })
	return group.Wait()
}

func serveMetrics(ctx context.Context, group *errgroup.Group, shared *controller.Context, address string) error {
	listener, err := server.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	metrics := shared.Metrics.NewServer(listener)
	group.Go(func() error {
		if err := metrics.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.Background(), metricsStopPeriod)
		defer cancel()
		return metrics.Shutdown(stopping)
	})
	return nil
}

// lead runs the control loops while this process holds the lease, and gives the lease back on a clean stop.
func lead(ctx context.Context, o *options, factory *controller.ContextFactory, shared *controller.Context,
	health *healthz.Server) error {
	elector, err := factory.Build("leader-election")
	if err != nil {
		return err
	}
	identity, err := os.Hostname()
	if err != nil {
		return err
	}
	stopped := ctx.Err
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: lockName, Namespace: o.electionNamespace},
			Client:     elector.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity + "-external-cert-manager-controller"},
		},
		LeaseDuration:   o.leaseDuration,
		RenewDeadline:   o.renewDeadline,
		RetryPeriod:     o.retryPeriod,
		ReleaseOnCancel: true,
		WatchDog:        health.LeaderHealthzAdaptor,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				if err := control(leading, factory, shared); err != nil {
					cancel(err)
				}
			},
			OnStoppedLeading: func() { cancel(errLeaseLost) },
		},
	})
	if stopped() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// control starts every known control loop, then the informers that they asked for, and waits for all loops to end.
func control(ctx context.Context, factory *controller.ContextFactory, shared *controller.Context) error {
	log := logf.FromContext(ctx)
	group, ctx := errgroup.WithContext(ctx)
	for name, construct := range controller.Known() {
		if shared.Namespace != "" && name == "clusterissuers" {
			continue
		}
		loop, err := construct(factory)
		if err != nil {
			return err
		}
		log.V(logf.InfoLevel).Info("starting", "loop", name)
		group.Go(func() error { return loop.Run(workers, ctx) })
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	shared.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	return group.Wait()
}
