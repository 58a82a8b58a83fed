package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"maskline/testbench/await"
)

// tape is CDRs in a folder with disks that fail when told to.
type tape struct {
	*CDRs
	t   testing.TB
	dir string

	mu                  sync.Mutex
	now                 time.Time
	writeFault, syncBad error
}

// badDisk is a file of a tape.
type badDisk struct {
	*os.File
	tape *tape
}

func (d badDisk) WriteAt(b []byte, at int64) (int, error) {
	d.tape.mu.Lock()
	defer d.tape.mu.Unlock()
	if err := d.tape.writeFault; err != nil {
		n, _ := d.File.WriteAt(b[:len(b)/2], at) // as a full disk does
		return n, err
	}
	return d.File.WriteAt(b, at)
}

func (d badDisk) Sync() error {
	d.tape.mu.Lock()
	defer d.tape.mu.Unlock()
	if err := d.tape.syncBad; err != nil {
		return err
	}
	return d.File.Sync()
}

func (r *tape) fail(write, sync error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeFault, r.syncBad = write, sync
}

func (r *tape) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func newTape(t testing.TB, dir string, cfg CDRConfig) *tape {
	t.Helper()
	r := &tape{t: t, dir: dir, now: noon}
	cfg.Dir, cfg.Node = dir, "edge-1"
	cfg.SyncEvery, cfg.RetryEvery = time.Millisecond, time.Nanosecond
	cfg.Now = func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.now = r.now.Add(time.Microsecond)
		return r.now
	}
	var err error
	if r.CDRs, err = newCDRs(cfg, testKey, zap.NewNop(), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	r.create = func(dir, node string, now time.Time) (*cdrFile, error) {
		f, err := createCDR(dir, node, now)
		if err == nil {
			f.f = badDisk{f.f.(*os.File), r}
		}
		return f, err
	}
	go newCDRWriter(r.CDRs).run()
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *tape) close() {
	r.t.Helper()
	if err := r.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// await waits until that many records are not on the disk.
func (r *tape) await(waiting int64) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%d records that wait", waiting), func() bool { return r.waiting.Load() == waiting })
}

const patience = 10 * time.Second // for what must come

func eventually(t testing.TB, what string, reached func() bool) {
	t.Helper()
	await.That(t, patience, what, reached)
}

// recordsIn counts the records of all finished files by their id.
func recordsIn(t testing.TB, dir string) (ids map[string]int, files, parts int) {
	t.Helper()
	ids = map[string]int{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			parts++
			continue
		}
		files++
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var r struct{ ID string }
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil || r.ID == "" {
				t.Fatalf("%s: %v: %q", e.Name(), err, lines.Bytes())
			}
			ids[r.ID]++
		}
		_ = f.Close()
	}
	return ids, files, parts
}

func wantRecords(t *testing.T, dir string, n int) (files int) {
	t.Helper()
	ids, files, parts := recordsIn(t, dir)
	if parts != 0 {
		t.Errorf("%d files are not finished", parts)
	}
	for i := range n {
		if got := ids[cdr(i).ID]; got != 1 {
			t.Errorf("record %d is there %d times", i, got)
		}
	}
	if len(ids) != n {
		t.Errorf("%d records, want %d", len(ids), n)
	}
	return files
}

func TestCDRsAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cdr")
	r := newTape(t, dir, CDRConfig{})
	r.Add(cdr(0))
	r.await(0)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "edge-1-20261121T120000.123Z.jsonl.part" {
		t.Fatalf("%v %v", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	var adding sync.WaitGroup
	for g := range 4 {
		adding.Go(func() {
			for i := range 250 {
				r.Add(cdr(1 + g*250 + i))
			}
		})
	}
	adding.Wait()
	r.close()
	wantRecords(t, dir, 1001)
	if value(t, r.metrics.records) != 1001 || value(t, r.metrics.files) != 1 || value(t, r.metrics.lost) != 0 {
		t.Errorf("counted %v records, %v files", value(t, r.metrics.records), value(t, r.metrics.files))
	}
	r.Add(cdr(9))
	if value(t, r.metrics.lost) != 1 {
		t.Error("a record after the end is not counted")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestNothingIsWrittenWithoutRecords(t *testing.T) {
	dir := t.TempDir()
	r := newTape(t, dir, CDRConfig{})
	r.close()
	wantRecords(t, dir, 0)
}

func TestCDRFilesRotate(t *testing.T) {
	t.Run("by age", func(t *testing.T) {
		dir := t.TempDir()
		r := newTape(t, dir, CDRConfig{Rotate: time.Minute})
		r.Add(cdr(0))
		r.await(0)
		r.advance(time.Minute) // without another record
		eventually(t, "a file that is finished", func() bool { return value(t, r.metrics.files) > 0 })
		r.Add(cdr(1))
		r.close()
		if files := wantRecords(t, dir, 2); files != 2 {
			t.Errorf("%d files", files)
		}
	})
	t.Run("by size", func(t *testing.T) {
		dir := t.TempDir()
		r := newTape(t, dir, CDRConfig{Size: 5000})
		for i := range 20 {
			r.Add(cdr(i))
			r.await(0)
		}
		r.close()
		if files := wantRecords(t, dir, 20); files < 4 || files > 10 {
			t.Errorf("%d files", files)
		}
	})
	t.Run("while records come", func(t *testing.T) {
		dir := t.TempDir()
		r := newTape(t, dir, CDRConfig{Size: 3000})
		for i := range 500 {
			r.Add(cdr(i))
		}
		r.close()
		wantRecords(t, dir, 500)
	})
}

func TestALineThatIsNotWholeIsCutOff(t *testing.T) {
	whole := "{\"id\":\"a\"}\n{\"id\":\"b\"}\n"
	cases := []struct{ name, file, text, want string }{
		{"torn", "edge-1-20261121T110000.000Z.jsonl", whole + `{"id":"c`, whole},
		{"whole", "edge-1-20261121T110000.000Z.jsonl", whole, whole},
		{"only a torn line", "edge-1-20261121T110000.000Z.jsonl", `{"id":"c`, ""},
		{"a long torn line", "edge-1-20261121T110000.000Z.jsonl", whole + strings.Repeat("x", 200_000), whole},
		{"zeros after a power cut", "edge-1-20261121T110000.000Z.jsonl", whole + string(make([]byte, 5000)), whole},
		{"empty", "edge-1-20261121T110000.000Z.jsonl", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.file)
			if err := os.WriteFile(path+".part", []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			newTape(t, dir, CDRConfig{}).close()
			text, err := os.ReadFile(path)
			if c.want == "" && !errors.Is(err, os.ErrNotExist) || c.want != "" && string(text) != c.want {
				t.Errorf("%q %v", text, err)
			}
			if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
				t.Error("it is there still")
			}
		})
	}
}

func TestFilesOfOthersAreLeft(t *testing.T) {
	dir := t.TempDir()
	held := filepath.Join(dir, "edge-1-20261121T110000.000Z.jsonl.part")
	names := []string{"edge-1-east-20261121T110000.000Z.jsonl.part", "edge-20261121T110000.000Z.jsonl.part", "edge-1-x.jsonl.part", "notes.part"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(held)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	newTape(t, dir, CDRConfig{}).close()
	for _, name := range append(names, filepath.Base(held)) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s is gone", name)
		}
	}
}

// A finished file that was put back beside the one that is to be finished stays as
// it is, and no line is lost or there twice.
func TestANameThatAFinishedFileHas(t *testing.T) {
	const a, b, c = `{"id":"a"}` + "\n", `{"id":"b"}` + "\n", `{"id":"c"}` + "\n"
	const name, next, third = "edge-1-20261121T110000.999Z.jsonl", "edge-1-20261121T110001.000Z.jsonl", "edge-1-20261121T110001.001Z.jsonl"
	for _, test := range []struct {
		name         string
		before, want map[string]string
	}{
		{"others", map[string]string{name: a, name + ".part": b + c + `{"id":"d`}, map[string]string{name: a, next: b + c}},
		{"the same", map[string]string{name: a + b, name + ".part": a + b}, map[string]string{name: a + b}},
		{"some of them", map[string]string{name: a + b, name + ".part": b + c}, map[string]string{name: a + b, next: c}},
		{"torn alone", map[string]string{name: a, name + ".part": `{"id":"d`}, map[string]string{name: a}},
		{"cut short before", map[string]string{name: a, name + ".part": a + b, name + ".part.thin": "x"}, map[string]string{name: a, next: b}},
		{
			"the next name is taken",
			map[string]string{name: a, name + ".part": b, next: c},
			map[string]string{name: a, next: c, third: b},
		},
		{
			"the next name is to be finished",
			map[string]string{name: a, name + ".part": b, next + ".part": c},
			map[string]string{name: a, next: c, third: b},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range test.before {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			core, logs := observer.New(zap.WarnLevel)
			for range 2 { // the second start finds nothing to do
				cdrs, err := OpenCDRs(CDRConfig{Dir: dir, Node: "edge-1"}, testKey, zap.New(core), prometheus.NewRegistry())
				if err != nil {
					t.Fatal(err)
				}
				if err := cdrs.Close(); err != nil {
					t.Fatal(err)
				}
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err != nil || string(text) != test.want[e.Name()] {
					t.Errorf("%s: %q %v", e.Name(), text, err)
				}
			}
			if len(entries) != len(test.want) {
				t.Errorf("%d files, want %d", len(entries), len(test.want))
			}
			if told := logs.Len(); told != 1 && test.name != "torn alone" {
				t.Errorf("told %d times", told)
			}
		})
	}
}

// A file of the same instant, of a clock that was set back, is not overwritten.
func TestNamesAreNotTakenTwice(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		r := newTape(t, dir, CDRConfig{})
		r.Add(cdr(0))
		r.close()
	}
	if ids, files, _ := recordsIn(t, dir); files != 3 || ids[cdr(0).ID] != 3 {
		t.Errorf("%d files, %v", files, ids)
	}
}

func TestCDRsOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	r := newTape(t, dir, CDRConfig{MostWaiting: 5})
	r.Add(cdr(0))
	r.await(0)
	r.fail(errors.New("no space"), nil)
	for i := range 4 {
		r.Add(cdr(1 + i))
	}
	if r.Full() {
		t.Error("full before the bound")
	}
	r.Add(cdr(5))
	if !r.Full() {
		t.Error("not full at the bound")
	}
	r.Add(cdr(6)) // a call that stood goes on and ends
	eventually(t, "three tries", func() bool { return value(t, r.metrics.writeErrors) >= 3 })
	r.await(6)
	r.fail(nil, nil)
	r.await(0)
	if r.Full() {
		t.Error("still full")
	}
	r.close()
	wantRecords(t, dir, 7)
}

func TestCDRsWhereFsyncFails(t *testing.T) {
	dir := t.TempDir()
	r := newTape(t, dir, CDRConfig{})
	r.Add(cdr(0))
	r.await(0)
	r.fail(nil, errors.New("bad block"))
	for i := range 10 {
		r.Add(cdr(1 + i))
	}
	eventually(t, "three tries", func() bool { return value(t, r.metrics.writeErrors) >= 3 })
	if r.waiting.Load() != 10 {
		t.Errorf("%d wait", r.waiting.Load())
	}
	r.fail(nil, nil)
	r.close()
	wantRecords(t, dir, 11)
}

func TestWhatTheDiskDoesNotTakeIsCounted(t *testing.T) {
	for name, faults := range map[string][2]error{"writes": {errors.New("no space"), nil}, "fsync": {nil, errors.New("bad block")}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := newTape(t, dir, CDRConfig{})
			r.fail(faults[0], faults[1])
			r.Add(cdr(0))
			r.Add(cdr(1))
			if err := r.Close(); err == nil || !strings.Contains(err.Error(), "2 records") {
				t.Errorf("closed with %v", err)
			}
			if value(t, r.metrics.lost) != 2 {
				t.Errorf("%v counted", value(t, r.metrics.lost))
			}
		})
	}
}

// writeCDRsInChild writes until it is killed, and tells of each record that is on
// the disk.
func writeCDRsInChild(dir string) {
	c, err := OpenCDRs(CDRConfig{Dir: dir, Node: "edge-1", Size: 20_000, SyncEvery: time.Millisecond}, testKey, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	base := os.Getenv("MASKLINE_TEST_BASE")
	for i := 0; ; i++ {
		var ids []string
		for range 1 + i%40 {
			r := cdr(i)
			r.ID = fmt.Sprintf("%s-%d-%d", base, i, len(ids))
			ids = append(ids, r.ID)
			c.Add(r)
		}
		if !await.Within(patience, func() bool { return c.waiting.Load() == 0 }) {
			panic("the records do not come to the disk")
		}
		fmt.Fprintln(os.Stdout, strings.Join(ids, " "))
	}
}

func TestCDRsOfAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	told := map[string]bool{}
	for life := range 6 {
		for _, line := range tellAndKill(t, "MASKLINE_TEST_CDRS="+dir, fmt.Sprint("life", life), 5+life*23) {
			for id := range strings.FieldsSeq(line) {
				told[id] = true
			}
		}
		newTape(t, dir, CDRConfig{}).close()
		ids, _, parts := recordsIn(t, dir)
		if parts != 0 {
			t.Fatalf("%d files are not finished", parts)
		}
		for id := range told {
			if ids[id] != 1 {
				t.Fatalf("life %d: %s is there %d times", life, id, ids[id])
			}
		}
	}
	if len(told) < 1000 {
		t.Errorf("only %d records", len(told))
	}
}

func BenchmarkCDRs(b *testing.B) {
	c, err := OpenCDRs(CDRConfig{Dir: b.TempDir(), Node: "edge-1", MostWaiting: 1 << 30}, testKey, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	r := cdr(0)
	b.ReportAllocs()
	for b.Loop() {
		if c.waiting.Load() > 10_000 {
			eventually(b, "room", func() bool { return c.waiting.Load() <= 10_000 })
		}
		c.Add(r)
	}
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
}
