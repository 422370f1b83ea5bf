// Operator-webhook is a validating admission webhook on packagerepositories.packages.glasskube.dev. Tests run it in a
// cluster with a certificate that cert-manager issues: its rotation windows are real ones. It needs nothing but the
// standard library.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const mostBytes = 4 << 20

func main() {
	listen := flag.String("listen", ":9443", "address to serve HTTPS on")
	folder := flag.String("certificates", "/certificates", "folder with tls.crt and tls.key")
	crash := flag.Bool("crash", false, "end at once with an error")
	flag.Parse()
	if *crash {
		log.Fatal("told to crash")
	}
	files := &keyPair{certificate: filepath.Join(*folder, "tls.crt"), key: filepath.Join(*folder, "tls.key")}
	if _, err := files.current(); err != nil {
		log.Fatalf("no certificate to serve: %v", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("/validate", review)
	server := &http.Server{Addr: *listen, Handler: mux, TLSConfig: files.config(), ReadHeaderTimeout: 10 * time.Second}

	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	go func() {
		<-stop.Done()
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(patience)
	}()
	log.Printf("serving on %s", *listen)
	if err := server.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// review answers one AdmissionReview.
func review(w http.ResponseWriter, r *http.Request) {
	var asked admissionReview
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBytes)).Decode(&asked); err != nil || asked.Request == nil {
		http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
		return
	}
	reason := judge(asked.Request)
	answer := &admissionResponse{UID: asked.Request.UID, Allowed: reason == ""}
	if reason != "" {
		answer.Status = &status{Message: reason, Reason: "Forbidden", Code: http.StatusForbidden}
	}
	log.Printf("%s %s: allowed=%t %s", asked.Request.Operation, asked.Request.Name, answer.Allowed, reason)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(admissionReview{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: answer})
}
