//go:build peers

package edge

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/media"
)

// through has the edge move media with a backend, where the host permits that one.
func (b *bed) through(backend string) {
	b.t.Helper()
	r, err := media.New(media.Config{Addr: b.ip, PortMin: 20000, PortMax: 20003, Backend: backend}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.t.Logf("media backend %s is not tested here: %v", backend, err)
		return
	}
	if err := r.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.backend = backend
}

// checkBackend wants that the edge says the same.
func (b *bed) checkBackend() {
	b.t.Helper()
	if b.backend != "" && b.metrics().Sum("maskline_media_backend_info", "backend", b.backend) != 1 {
		b.t.Errorf("media is not moved by %s", b.backend)
	}
}
