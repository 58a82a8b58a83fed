package mediaload

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/prometheus/client_golang/prometheus"

	"maskline/media"
)

// TestSetUpsLeaveNothing sets up and releases as many sessions as there are in a
// day of a busy machine, over and over the whole range of ports. Each attempt is
// answered; in the end all ports, sockets, entries of maps and goroutines are back.
func TestSetUpsLeaveNothing(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			relay, reg := relayOf(t, backend, func(c *media.Config) {
				c.Drain = 0
				if backend != "portable" { // which has a descriptor for each port
					c.PortMax = 32767
				}
			})
			if relay == nil {
				return
			}
			speaker, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
			if err != nil {
				t.Fatal(err)
			}
			defer speaker.Close()
			at := speaker.LocalAddr().(*net.UDPAddr).AddrPort()
			sessions(t, relay, reg, at, speaker, 1) // what is opened once
			before := held(t, reg)
			full := sessions(t, relay, reg, at, speaker, setUps)
			if full == 0 {
				t.Error("the range of ports was never full")
			}
			eventually(t, "descriptors and goroutines are as before", func() bool { return held(t, reg) == before })
			eventually(t, "no entry is left in the kernel's maps", func() bool { return entries(t) == 0 })
		})
	}
}

// sessions makes so many, as long as there are ports, releases all of them, and
// goes on when the ports are back. It returns how often the range was full.
func sessions(t *testing.T, relay *media.Relay, reg *prometheus.Registry, at netip.AddrPort, speaker *net.UDPConn, count int) (full int) {
	t.Helper()
	packet := make([]byte, 172)
	packet[0] = 0x80
	var live []*media.Session
	for made := 0; made < count; {
		s, err := relay.Allocate(media.Options{})
		if err != nil {
			if len(live) == 0 || !errors.Is(err, media.ErrPortsExhausted) && !errors.Is(err, media.ErrBind) { // the last ones may be another program's
				t.Fatalf("set-up %d: %v", made+1, err)
			}
			full++
			releaseAll(t, reg, live)
			live = live[:0]
			continue
		}
		made++
		live = append(live, s)
		for _, side := range []media.Side{media.A, media.B} {
			if err := s.SetRemote(side, media.Remote{RTP: at, PayloadTypes: media.NewPayloadTypes(0)}); err != nil {
				t.Fatal(err)
			}
		}
		if made%16 == 0 { // some carry media, so that the kernel knows them
			_, _ = speaker.WriteToUDPAddrPort(packet, s.Local(media.A))
			_, _ = speaker.WriteToUDPAddrPort(packet, s.Local(media.B))
		}
	}
	releaseAll(t, reg, live)
	return full
}

// releaseAll waits until no port is used.
func releaseAll(t *testing.T, reg *prometheus.Registry, all []*media.Session) {
	t.Helper()
	for _, s := range all {
		s.Release()
	}
	eventually(t, "all ports are back", func() bool { return gauge(t, reg, "maskline_media_ports_used") == 0 })
	if n := gauge(t, reg, "maskline_media_sessions"); n != 0 {
		t.Fatalf("%v sessions are left", n)
	}
}

func gauge(t testing.TB, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				sum += m.Gauge.GetValue()
			}
		}
	}
	return sum
}

// holding is what a process holds of the system, beside the sockets that the relay
// keeps and tells of.
type holding struct{ descriptors, goroutines int }

func held(t *testing.T, reg *prometheus.Registry) holding {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return holding{len(files) - int(gauge(t, reg, "maskline_media_ports_kept")), runtime.NumGoroutine()}
}

// entries counts the ports that the kernel's maps of this process still steer.
func entries(t *testing.T) (n int) {
	t.Helper()
	for _, id := range numbered[ebpf.MapID](t, os.Getpid(), "map_id:") {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			t.Fatal(err)
		}
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Name == "maskline_ports" {
			var key uint32
			var value uint64
			for all := m.Iterate(); all.Next(&key, &value); {
				if value != 0 {
					n++
				}
			}
		}
		m.Close()
	}
	return n
}
