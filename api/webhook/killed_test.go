package webhook

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/numberdb"
	"maskline/numberdb/sqlite"
	"maskline/numberdb/storetest"
)

const childVariable = "MASKLINE_TEST_WEBHOOKS"

// runChild tells events and delivers them until it is killed. Each line of its
// output is an event that is committed.
func runChild(dir, url string) {
	store, err := sqlite.Open(context.Background(), sqlite.Config{Dir: dir, Keys: storetest.Keys()})
	if err != nil {
		panic(err)
	}
	sender := NewSender(SenderConfig{AllowPrivate: loopback, Timeout: 2 * time.Second}, time.Now)
	schedule := make([]time.Duration, 1000)
	for i := range schedule {
		schedule[i] = 20 * time.Millisecond
	}
	e, err := NewEngine(Config{Holder: "child", Timeout: 2 * time.Second, Schedule: schedule, Poll: 100 * time.Millisecond}, store, sender, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	go func() { _ = e.Run(context.Background()) }()
	if found, _ := store.Endpoints(context.Background(), "shop", 1); len(found) == 0 {
		to := endpointAt(url)
		to.Created, to.Secrets = time.Now().Truncate(time.Microsecond), []numberdb.WebhookSecret{{Key: []byte(strings.Repeat("k", 32))}}
		if _, err := store.PutEndpoint(context.Background(), to); err != nil {
			panic(err)
		}
	}
	e.Changed()
	var ids numberdb.IDs
	for i := 0; ; i++ {
		now := time.Now().Truncate(time.Microsecond)
		event := numberdb.Event{ID: ids.Next(now), Tenant: "shop", Type: "session.created", Session: numberdb.ID(1 + i%9), At: now}
		if _, err := store.Commit(context.Background(), &numberdb.Writes{Outbox: []numberdb.Event{event}}); err != nil {
			panic(err)
		}
		e.Wake("shop")
		fmt.Println(event.ID.Text(numberdb.EventPrefix))
	}
}

// shaky is a receiver over a socket that refuses now and then, and is away at times.
type shaky struct {
	mu    sync.Mutex
	got   map[string]int
	last  map[string]int64
	away  bool
	wrong []string
}

func (s *shaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	secret := numberdb.WebhookSecret{Key: []byte(strings.Repeat("k", 32))}
	id, err := Verify(Shown(&secret), r.Header, body, time.Now())
	var p struct {
		Payload
		Data struct {
			Session string `json:"session_id"`
		} `json:"data"`
	}
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away || rand.IntN(20) == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if err != nil || id != p.ID {
		s.wrong = append(s.wrong, fmt.Sprint("a post that does not verify: ", err))
	}
	if s.got[id]++; s.got[id] > 1 {
		return // again, which its id tells
	}
	if p.Sequence != s.last[p.Data.Session]+1 {
		s.wrong = append(s.wrong, fmt.Sprintf("%d of %s comes after %d", p.Sequence, p.Data.Session, s.last[p.Data.Session]))
	}
	s.last[p.Data.Session] = p.Sequence
}

func (s *shaky) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// Killed again and again in the midst of telling and delivering, with a receiver
// that is away at times, an engine loses no event that was committed, and the first
// arrivals of a session's events are in their order.
func TestKilled(t *testing.T) {
	const rounds = 8
	receiver := &shaky{got: map[string]int{}, last: map[string]int64{}}
	server := httptest.NewServer(receiver)
	defer server.Close()
	dir := t.TempDir()
	committed := map[string]bool{}
	for round := range rounds {
		receiver.set(round%3 == 1)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+dir, childVariable+"_URL="+server.URL)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 60+rand.IntN(100) && lines.Scan(); n++ {
			committed[lines.Text()] = true
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had written by then; the last line may be cut
			if len(lines.Text()) == len(numberdb.EventPrefix)+13 {
				committed[lines.Text()] = true
			}
		}
		_ = cmd.Wait()
	}
	receiver.set(false)
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Keys: storetest.Keys()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sender := NewSender(SenderConfig{AllowPrivate: loopback}, time.Now)
	defer sender.Close()
	schedule := make([]time.Duration, 100)
	e, err := NewEngine(Config{Holder: "last", Schedule: schedule, Poll: 50 * time.Millisecond}, store, sender, time.Now, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	missing := func() (n int) {
		receiver.mu.Lock()
		defer receiver.mu.Unlock()
		for id := range committed {
			if receiver.got[id] == 0 {
				n++
			}
		}
		return n
	}
	storetest.Eventually(t, "all events", func() bool { return missing() == 0 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	again := 0
	for _, n := range receiver.got {
		again += n - 1
	}
	t.Logf("%d events were committed, %d posts came again", len(committed), again)
	for _, fault := range receiver.wrong {
		t.Error(fault)
	}
}
