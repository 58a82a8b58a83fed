//go:build peers

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maskline/smpp/pdu"
	"maskline/testbench/pgtest"
	"maskline/testbench/process"
)

const (
	databaseName     = "masks"
	databasePassword = "correct-horse"
)

// newDatabase starts a throw-away Postgres and returns it with a URL that holds
// a password.
func newDatabase(t *testing.T) (*pgtest.Server, string) {
	t.Helper()
	server := pgtest.ForTest(t, databaseName)
	return server, strings.Replace(server.URL(databaseName), "@/", ":"+databasePassword+"@/", 1)
}

// table is the part of /readyz about the store.
type table struct {
	Loaded   bool
	Bindings int
	StoreUp  bool `json:"store_up"`
}

// ready asks /readyz.
func (b *bed) ready() (bool, table) {
	b.t.Helper()
	status, body, err := b.edge.Get(b.t.Context(), "/readyz")
	if err != nil {
		b.t.Fatal(err)
	}
	var report struct{ Table table }
	if err := json.Unmarshal(body, &report); err != nil {
		b.t.Fatal(err)
	}
	return status == http.StatusOK, report.Table
}

// reaches waits until a message to the rider's mask arrives at a number.
func (b *bed) reaches(to string) {
	b.t.Helper()
	b.eventually("a message to the mask goes elsewhere", func() bool {
		if status := b.deliver(b.bravo, rider, riderDials, "where are you?"); status != pdu.ROK {
			b.t.Fatalf("a message was answered 0x%02X", uint32(status))
		}
		all := b.alfa.smsc.Submitted()
		return all[len(all)-1].Destination == to
	})
}

func TestPostgres(t *testing.T) {
	server, url := newDatabase(t)
	b := newBed(t)
	b.start(settings{database: url})
	b.imports(bindings)
	b.healthy()

	b.sub("what is imported is routed", func(t *testing.T) {
		b.imports(strings.ReplaceAll(bindings, "tel:"+driver.Reveal(), "tel:"+customer.Reveal()))
		b.reaches(digits(customer))
		b.imports(bindings)
		b.reaches(digits(driver))
	})
	b.sub("while it is away traffic goes on", func(t *testing.T) {
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		b.eventually("/readyz shows that the store is away", func() bool {
			_, table := b.ready()
			return !table.StoreUp
		})
		if ready, table := b.ready(); !ready || !table.Loaded || table.Bindings != 3 {
			t.Fatalf("ready %v, %+v", ready, table)
		}
		b.healthy()
		output, code, err := b.edge.Run(t.Context(), "routes", "import", filepath.Join(b.dir, "bindings.csv"))
		if err != nil || code != 1 {
			t.Fatalf("an import into a store that is away: %v, code %d", err, code)
		}
		if said := string(output); strings.Count(said, "\n") != 1 || !strings.Contains(said, "store is away") {
			t.Errorf("it said %q", said)
		}
	})
	b.sub("when it is back it is followed again", func(t *testing.T) {
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.eventually("/readyz shows that the store is up", func() bool {
			_, table := b.ready()
			return table.StoreUp
		})
		b.imports(strings.ReplaceAll(bindings, "tel:"+driver.Reveal(), "tel:"+customer.Reveal()))
		b.reaches(digits(customer))
		b.imports(bindings)
	})
	b.again()
	b.healthy()
	b.stop()
	b.noPassword()
}

// asks asks the API with a key for the sessions.
func (b *bed) asks(key string) (status int, retryAfter string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://"+b.edge.Listeners().API.String()+"/v1/sessions", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// An edge that has not seen its database yet ends in order.
func TestStoppedBeforeItsDatabaseIsThere(t *testing.T) {
	server, url := newDatabase(t)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	e, err := process.Launch(process.Config{Binary: binaryPath, Dir: b.dir, Text: b.config(settings{database: url})})
	b.running(e, err)
	b.eventually("it listens", func() bool { return strings.Contains(string(b.log()), `"msg":"listening"`) })
	if err := b.edge.Stop(patience); err != nil {
		t.Error(err)
	}
}

// An edge may be started before its database: it waits for it.
func TestPostgresIsAwayAtTheStart(t *testing.T) {
	server, url := newDatabase(t)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	b := newBed(t)
	e, err := process.Launch(process.Config{Binary: binaryPath, Dir: b.dir, Text: b.config(settings{database: url})})
	b.running(e, err)
	b.eventually("the log tells of the store", func() bool { return strings.Contains(string(b.log()), `"logger":"numberdb"`) })
	b.eventually("it answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.edge.AwaitReady(ctx); err == nil {
			t.Fatal("the edge is ready without its bindings")
		}
		return b.edge.Listeners().API.IsValid()
	})
	if ready, table := b.ready(); ready || table.Loaded {
		t.Fatalf("ready %v, %+v", ready, table)
	}
	if status, after := b.asks("sk_live_" + strings.Repeat("0", 43)); status != http.StatusServiceUnavailable || after == "" {
		t.Errorf("the API answers %d without its keys, Retry-After %q", status, after)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.edge.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.eventually("the API knows the key that it has made", func() bool {
		key, err := os.ReadFile(filepath.Join(b.dir, "data", "admin.key"))
		if err != nil {
			return false
		}
		status, _ := b.asks(strings.TrimSpace(string(key)))
		return status == http.StatusOK
	})
	b.awaitCarriers()
	b.imports(bindings)
	b.healthy()
	b.stop()
	b.noPassword()
}

// An edge without the key that wrote the database would serve nothing: it does
// not start, and makes no key of its own.
func TestPostgresOfAnotherKey(t *testing.T) {
	_, url := newDatabase(t)
	b := newBed(t)
	b.start(settings{database: url})
	b.imports(bindings)
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "data", "master.key")
	if said := failsToStart(t, dir, b.config(settings{database: url})); !strings.Contains(said, "the key file is missing") {
		t.Errorf("without a key file it said %q", said)
	}
	if _, err := os.Stat(keyFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made a key file: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(keyFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, []byte("maskline key v1\n"+strings.Repeat("5", 64)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := failsToStart(t, dir, b.config(settings{database: url})); !strings.Contains(said, "the store was written with another key") {
		t.Errorf("with another key it said %q", said)
	}
	b.healthy()
	b.stop()
}

// noPassword searches what was logged and what the configuration prints as.
func (b *bed) noPassword() {
	b.t.Helper()
	checked, _, err := b.edge.Run(b.t.Context(), "check")
	if err != nil {
		b.t.Fatal(err)
	}
	for name, text := range map[string][]byte{"the log": b.log(), "the configuration": checked} {
		if bytes.Contains(text, []byte(databasePassword)) {
			b.t.Errorf("%s shows the database's password", name)
		}
	}
}
