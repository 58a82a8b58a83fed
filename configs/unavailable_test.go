package configs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every key of a later version must be refused, and nothing in the file that
// asks for all of them for another reason.
func TestEveryUnavailableKeyIsRefused(t *testing.T) {
	data, err := os.ReadFile("testdata/broken/not_available.yaml")
	if err != nil {
		t.Fatal(err)
	}
	index := regexp.MustCompile(`\[\d+\]`)
	refused := map[string]bool{}
	for _, fault := range faultsOf(t, string(data), nil) {
		if !strings.HasPrefix(fault.Problem, "is not available in this version; expected ") {
			t.Errorf("another fault: %v", fault)
		}
		path := index.ReplaceAllString(fault.Key, "[]")
		for path != "" {
			refused[path] = true
			path = path[:max(strings.LastIndex(path, "."), 0)]
		}
	}
	for _, path := range unavailable() {
		if !refused[path] {
			t.Errorf("%s is not refused", path)
		}
	}
}

func TestKeysTellWhatThisVersionHas(t *testing.T) {
	want := map[string]bool{
		"smpp.bind_timeout":          false,
		"observe.hep.addr":           true,
		"lifecycle.ttl":              false,
		"api.oidc[].issuer":          false,
		"api.limits.header":          false,
		"api.limits.rps":             false,
		"tenants[].spend_day":        false,
		"sip.peers[].srtp":           false,
		"routing.unknown_mask.voice": false,
	}
	for _, k := range Keys() {
		if later, asked := want[k.Path]; asked && later != k.Later {
			t.Errorf("%s: %v, want %v", k.Path, k.Later, later)
		}
		delete(want, k.Path)
	}
	if len(want) > 0 {
		t.Errorf("no such keys: %v", want)
	}
}
