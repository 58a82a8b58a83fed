package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskline/numberdb"
)

// FirstWave names the variable that tells a child where to begin.
const FirstWave = "MASKLINE_TEST_WAVE"

const waveSize = 16 // sessions

// wave is the n-th of the groups that a child commits: new sessions, and the end
// of those of the wave before.
func wave(n int) *numberdb.Writes {
	w := &numberdb.Writes{}
	for i := n * waveSize; i < (n+1)*waveSize; i++ {
		s, claims := waveSession(i)
		w.Sessions, w.Claims = append(w.Sessions, s), append(w.Claims, claims...)
	}
	if n == 0 {
		return w
	}
	for i := (n - 1) * waveSize; i < n*waveSize; i++ {
		s, bindings := waveSession(i)
		s.Ended = numberdb.Released
		w.Sessions = append(w.Sessions, s)
		for _, b := range bindings {
			b.Expires = waveEnd
			w.Bindings = append(w.Bindings, numberdb.Change{Binding: b})
		}
	}
	return w
}

var waveEnd = moment(10)

func waveSession(i int) (numberdb.Session, []numberdb.Binding) {
	s, claims := Session(i), SessionClaims(i)
	s.Created, s.Expires, s.Keep = moment(0), moment(1_000_000), moment(1_000_001)
	for k := range claims {
		claims[k].Expires, claims[k].Keep = s.Expires, s.Keep
	}
	return s, claims
}

// CommitUntilKilled commits waves and writes a line after each, in a child.
func CommitUntilKilled(r numberdb.Registry) {
	first, err := strconv.Atoi(os.Getenv(FirstWave))
	if err != nil {
		panic(err)
	}
	for n := first; ; n++ {
		position, err := r.Commit(context.Background(), wave(n))
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stdout, n, position)
	}
}

// Killed kills children that commit waves, at random times, and looks at what
// each has left: every wave that was acknowledged, and at most one more, whole.
func Killed(t *testing.T, env string, db Database) {
	random := rand.New(rand.NewPCG(11, 4))
	next, position := 0, uint64(0)
	for round := range killRounds {
		env := []string{env, FirstWave + "=" + strconv.Itoa(next)}
		for _, line := range ToldUntilKilled(t, env, 3, time.Duration(random.IntN(40_000))*time.Microsecond) {
			number, at, _ := strings.Cut(line, " ")
			told, err := strconv.ParseUint(at, 10, 64)
			if err != nil || told <= position {
				t.Fatalf("round %d: position %q after %d", round, at, position)
			}
			if done, err := strconv.Atoi(number); err != nil || done != next {
				t.Fatalf("round %d: wave %s after %d", round, number, next)
			}
			next, position = next+1, told
		}
		next = wavesAre(t, db, next)
	}
	if next < 3*killRounds {
		t.Fatalf("only %d waves", next)
	}
}

// wavesAre wants the acknowledged waves, or one more, and returns the next.
func wavesAre(t *testing.T, db Database, acknowledged int) int {
	t.Helper()
	store := db(t)
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	r, ok := store.(Registry)
	if !ok {
		t.Fatal("the store is no registry")
	}
	var sessions []numberdb.Session
	for query := (numberdb.SessionQuery{Limit: 10_000}); ; query.After = sessions[len(sessions)-1].ID {
		page := Sessions(t, r, query)
		sessions = append(sessions, page...)
		if len(page) < query.Limit {
			break
		}
	}
	waves := len(sessions) / waveSize
	if len(sessions)%waveSize != 0 || waves < acknowledged || waves > acknowledged+1 {
		t.Fatalf("%d sessions where %d waves of %d were acknowledged", len(sessions), acknowledged, waveSize)
	}
	rows := Rows(t, store)
	if len(rows) != 2*len(sessions) {
		t.Fatalf("%d bindings of %d sessions", len(rows), len(sessions))
	}
	for i := range sessions {
		want, bindings := waveSession(i)
		if ended := i/waveSize < waves-1; ended {
			want.Ended = numberdb.Released
			for k := range bindings {
				bindings[k].Expires = waveEnd
			}
		}
		if sessions[i].ID != want.ID || sessions[i].Ended != want.Ended {
			t.Fatalf("session %d of %d is another one, or in another state", i, len(sessions))
		}
		for _, b := range bindings {
			if got := rows[Key{b.Mask, b.Party}]; !equal(got, b) {
				t.Fatalf("a binding of session %d of %d is another one, or in another state", i, len(sessions))
			}
		}
	}
	return waves
}
