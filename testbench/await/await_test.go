package await

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

const patience = 10 * time.Second

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		name        string
		holds       time.Duration // after so long
		look        time.Duration // how long one takes
		want        bool
		from, to    time.Duration
		least, most int // looks
	}{
		{"it holds already", 0, 0, true, 0, 0, 1, 1},
		{"soon", 300 * time.Microsecond, 0, true, 300 * time.Microsecond, 300 * time.Microsecond, 3, 3},
		{"later", time.Second, 0, true, time.Second, time.Second + longest, 100, 110},
		{"at the last moment", patience, 0, true, patience, patience, 1000, 1010},
		{"never", 2 * patience, 0, false, patience, patience, 1000, 1010},
		{"a look takes a while", time.Second, 5 * time.Millisecond, true, time.Second, time.Second + 60*time.Millisecond, 18, 21},
		{"a look takes long", 3 * time.Second, 200 * time.Millisecond, true, 3 * time.Second, 3900 * time.Millisecond, 5, 6},
		{"longer than patience", 2 * patience, 15 * time.Second, true, 30 * time.Second, 30 * time.Second, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, looks := time.Now(), 0
				got := Within(patience, func() bool {
					looks++
					time.Sleep(c.look)
					return time.Since(began) >= c.holds
				})
				if took := time.Since(began); got != c.want || took < c.from || took > c.to {
					t.Errorf("%v after %v", got, took)
				}
				if looks < c.least || looks > c.most {
					t.Errorf("%d looks", looks)
				}
			})
		})
	}
}

// failing notes how a test is ended.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) { f.said = fmt.Sprintf(format, args...) }

func TestFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failing
		from := make(chan int, 1)
		time.AfterFunc(patience-1, func() { from <- 7 })
		if got := From(&f, patience, "an answer", from); got != 7 || f.said != "" {
			t.Errorf("%d came, it said %q", got, f.said)
		}
		if From(&f, patience, "an answer", from); f.said != "not within 10s: an answer" {
			t.Errorf("it said %q", f.said)
		}
	})
}

func TestThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failing
		That(&f, patience, "a carrier is up", func() bool { return false })
		if f.said != "not within 10s: a carrier is up" {
			t.Errorf("it said %q", f.said)
		}
		f.said = ""
		That(&f, patience, "a carrier is up", func() bool { return true })
		if f.said != "" {
			t.Errorf("it said %q", f.said)
		}
	})
}
