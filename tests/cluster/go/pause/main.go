// Pause waits for SIGTERM or SIGINT and reaps orphans meanwhile. It is the sandbox of every pod of the throw-away
// cluster, and the first process of the namespaces in which a cluster lives. Arguments are ignored: they only mark
// whose process it is.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
}
