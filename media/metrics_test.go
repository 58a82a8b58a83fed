package media

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// scrape returns all values by name and labels.
func (b *bed) scrape() map[string]float64 {
	b.t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			v := m.GetGauge().GetValue()
			if m.Counter != nil {
				v = m.Counter.GetValue()
			}
			all[fmt.Sprintf("%s{%s}", strings.TrimPrefix(f.GetName(), "maskline_media_"), strings.Join(labels, ","))] = v
		}
	}
	return all
}

func TestMetrics(t *testing.T) {
	b := newBed(t, func(c *Config) { c.PortMin, c.PortMax = 20000, 20099 })
	a, aRTCP := newPeers(t, "127.0.0.2")
	z, zRTCP := newPeers(t, "127.0.0.3")
	s := b.call(a, z)
	exchange(t, s, A, a, z, 1)
	exchange(t, s, B, z, a, 1)
	aRTCP.send(next(s.Local(A)), marshal(t, senderReport()))
	zRTCP.receive()
	a.send(s.Local(A), []byte("short"))
	exchange(t, s, A, a, z, 2)
	b.allocate(Options{}).Answered()
	b.allocate(Options{}).Release()
	b.at.Add(int64(30 * time.Second))
	b.sweep()
	b.allocate(Options{}).Release()

	got, addr := b.scrape(), b.cfg.Addr.String()
	want := map[string]float64{
		"ports_total{addr=" + addr + "}": 100, "ports_used{addr=" + addr + "}": 12, "sessions{}": 2, "backend_info{backend=" + tested + "}": 1,
		"packets_total{direction=in,protocol=rtp}": 3, "packets_total{direction=out,protocol=rtp}": 3,
		"octets_total{direction=in,protocol=rtp}": 3 * 172, "octets_total{direction=out,protocol=rtp}": 3 * 172,
		"packets_total{direction=in,protocol=rtcp}": 1, "packets_total{direction=out,protocol=rtcp}": 1,
		"octets_total{direction=in,protocol=rtcp}": 52, "octets_total{direction=out,protocol=rtcp}": 80,
		"dropped_total{reason=size}": 1, "timeouts_total{reason=initial}": 1,
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
	for d := DropNoRemote; d < dropReasons; d++ {
		if _, ok := got["dropped_total{reason="+d.String()+"}"]; !ok {
			t.Errorf("reason %v is not exported", d)
		}
	}
	if t.Failed() {
		for name := range maps.Keys(got) {
			t.Log(name, got[name])
		}
	}
}
