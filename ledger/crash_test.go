package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"maskline/seal"
)

const crashKey = "maskline key v1\n00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"

// writeInChild holds, forgets and notes until it is killed. Each line that it
// writes is one fact: "h ID" held, "f ID" about to be forgotten, "s N" the count
// of notes a while ago.
func writeInChild(dir string) {
	key, err := seal.Parse([]byte(crashKey))
	if err != nil {
		panic(err)
	}
	l, err := Open(context.Background(), Config{Dir: dir, FlushEvery: 20 * time.Millisecond}, key, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	base, err := strconv.Atoi(os.Getenv("MASKLINE_TEST_BASE"))
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	tell := func(what string, n int) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(os.Stdout, what, n)
	}
	for caller := range 16 {
		go func() {
			for i := caller; ; i += 16 {
				r := receipt(base + i)
				r.Held = time.Now()
				answered := make(chan error, 1)
				l.Hold(r, func(err error) { answered <- err })
				if err := <-answered; err != nil {
					panic(err)
				}
				tell("h", base+i)
				if i%5 == 0 {
					tell("f", base+i)
					l.Forget(uint64(base + i))
				}
			}
		}()
	}
	pace := time.NewTicker(time.Millisecond)
	for n := 0; ; n++ {
		s := submission(base + n)
		s.At = time.Now()
		l.Sent(s)
		if n%100 == 0 {
			tell("s", n)
			<-pace.C
		}
	}
}

// Whatever was acknowledged before a kill is there afterwards.
func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 9))
	held, forgotten := map[uint64]bool{}, map[uint64]bool{}
	key, err := seal.Parse([]byte(crashKey))
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 8
	for round := range rounds {
		runAndKill(t, dir, round*10_000_000, 50+random.IntN(400), held, forgotten)
		l, err := Open(t.Context(), Config{Dir: dir}, key, zap.NewNop(), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		_, receipts := restored(t, l)
		there := map[uint64]bool{}
		for _, r := range receipts {
			if r.LocalID != r.ID+1000 {
				t.Fatal("a receipt came back as another one")
			}
			there[r.ID] = true
		}
		for id := range held {
			if !there[id] && !forgotten[id] {
				t.Fatalf("round %d: receipt %d was acknowledged and is lost", round, id)
			}
		}
		closeIt(t, l)
	}
	if len(held) < rounds*20 {
		t.Fatalf("only %d receipts were held", len(held))
	}
	l, err := Open(t.Context(), Config{Dir: dir}, key, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, l)
	sent, _ := restored(t, l)
	for i := 1; i < len(sent); i++ {
		if sent[i].LocalID < sent[i-1].LocalID {
			t.Fatal("submissions are out of order")
		}
	}
	t.Logf("%d receipts acknowledged in %d lives, %d submissions kept", len(held), rounds, len(sent))
}

// runAndKill lets a child write, kills it after as many facts, and takes them
// all in.
func runAndKill(t *testing.T, dir string, base, facts int, held, forgotten map[uint64]bool) {
	t.Helper()
	for _, line := range tellAndKill(t, "MASKLINE_TEST_WRITE="+dir, strconv.Itoa(base), facts) {
		what, number, _ := strings.Cut(line, " ")
		id, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			continue // cut off by the kill
		}
		switch what {
		case "h":
			held[id] = true
		case "f":
			forgotten[id] = true
		}
	}
}

// tellAndKill runs this program with a task, kills it when it has told as many
// lines, and returns all of them that are whole.
func tellAndKill(t *testing.T, task, base string, count int) (told []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), task, "MASKLINE_TEST_BASE="+base)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		told = append(told, strings.TrimSuffix(line, "\n"))
		if len(told) == count {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(told) < count {
		t.Fatalf("the child told %d of %d lines: %v, %v", len(told), count, cmd.ProcessState, ctx.Err())
	}
	return told
}
