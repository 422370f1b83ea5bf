package main

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// keyPair serves a certificate from files, and takes renewed ones without a restart.
type keyPair struct {
	certificate, key string

	mutex  sync.Mutex
	loaded *tls.Certificate
	since  time.Time
}

func (k *keyPair) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current() },
	}
}

// current is the certificate in the files, read again when they have changed. What cannot be read while files are
// being replaced leaves the former one in use.
func (k *keyPair) current() (*tls.Certificate, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	found, err := os.Stat(k.certificate)
	if err == nil && k.loaded != nil && found.ModTime().Equal(k.since) {
		return k.loaded, nil
	}
	var read tls.Certificate
	if err == nil {
		read, err = tls.LoadX509KeyPair(k.certificate, k.key)
	}
	if err != nil {
		if k.loaded != nil {
			return k.loaded, nil
		}
		return nil, err
	}
	k.loaded, k.since = &read, found.ModTime()
	return k.loaded, nil
}
