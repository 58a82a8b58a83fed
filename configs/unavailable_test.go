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
	for _, l := range unavailable() {
		if !refused[l.path] {
			t.Errorf("%s is not refused", l.path)
		}
	}
}

func TestKeysTellWhatThisVersionHas(t *testing.T) {
	want := map[string]string{
		"smpp.bind_timeout":          "",
		"observe.hep.addr":           "no such key",
		"lifecycle.ttl":              "",
		"api.oidc[].issuer":          "no such key",
		"sip.peers[].srtp":           "",
		"routing.unknown_mask.voice": "",
	}
	for _, k := range Keys() {
		if version, asked := want[k.Path]; asked && version != k.Version {
			t.Errorf("%s: %q, want %q", k.Path, k.Version, version)
		}
		delete(want, k.Path)
	}
	if len(want) > 0 {
		t.Errorf("no such keys: %v", want)
	}
}
