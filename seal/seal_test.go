package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const zeros = fileHeader + "\n0000000000000000000000000000000000000000000000000000000000000000\n"

func zeroKey(t testing.TB) *Key {
	t.Helper()
	key, err := Parse([]byte(zeros))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSealAndOpen(t *testing.T) {
	box := zeroKey(t).Box("receipts")
	for _, plain := range []string{"", "a", strings.Repeat("+447700900001", 1000)} {
		sealed := box.Seal([]byte("before"), []byte(plain), []byte("row 7"))
		if !bytes.HasPrefix(sealed, []byte("before")) || len(sealed) != len("before")+len(plain)+Overhead {
			t.Fatal("not appended, or of another length")
		}
		if len(plain) > 0 && bytes.Contains(sealed, []byte(plain)) {
			t.Fatal("sealed data shows the plain")
		}
		opened, err := box.Open([]byte("here: "), sealed[len("before"):], []byte("row 7"))
		if err != nil || string(opened) != "here: "+plain {
			t.Fatalf("opened as %d octets, %v", len(opened), err)
		}
	}
	if bytes.Equal(box.Seal(nil, []byte("a"), nil), box.Seal(nil, []byte("a"), nil)) {
		t.Fatal("two sealings are equal: the nonce is not random")
	}
}

func TestOpenRefuses(t *testing.T) {
	key := zeroKey(t)
	box := key.Box("receipts")
	sealed := box.Seal(nil, []byte("+447700900001"), []byte("row 7"))
	cases := []struct {
		name   string
		box    *Box
		sealed []byte
		place  string
		fault  error
	}{
		{"another place", box, sealed, "row 8", ErrOpen},
		{"no place", box, sealed, "", ErrOpen},
		{"another purpose", key.Box("journal"), sealed, "row 7", ErrOpen},
		{"another key", Generate().Box("receipts"), sealed, "row 7", ErrOpen},
		{"cut short", box, sealed[:len(sealed)-1], "row 7", ErrOpen},
		{"too short for a tag", box, sealed[:5], "row 7", ErrOpen},
		{"longer", box, append(bytes.Clone(sealed), 0), "row 7", ErrOpen},
		{"nothing", box, nil, "row 7", ErrVersion},
		{"another version", box, append([]byte{2}, sealed[1:]...), "row 7", ErrVersion},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if plain, err := c.box.Open(nil, c.sealed, []byte(c.place)); !errors.Is(err, c.fault) || plain != nil {
				t.Fatalf("%d octets, %v", len(plain), err)
			}
		})
	}
	for i := range sealed {
		for bit := range 8 {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1 << bit
			if _, err := box.Open(nil, altered, []byte("row 7")); err == nil {
				t.Fatalf("octet %d was altered and it opened", i)
			}
		}
	}
}

// What was sealed by the first version must open in every later one.
func TestGoldenFormat(t *testing.T) {
	const golden = "01004e394fcf86284d4f6d5191ffa15e3030860f74ade5519068d09901b23870aee996ff56309d60d882a7fd3e74a6d1"
	sealed, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := zeroKey(t).Box("golden").Open(nil, sealed, []byte("row 1"))
	if err != nil || string(plain) != "sealed by version 1" {
		t.Fatalf("opened as %q, %v", plain, err)
	}
}

func TestPseudonym(t *testing.T) {
	key := zeroKey(t)
	number := []byte("447700900001")
	const golden = "tqmjksdvsdcrnphc"
	if got := key.Pseudonym("log", number); got != golden {
		t.Fatalf("got %s: it must stay the same from version to version", got)
	}
	for name, other := range map[string]string{
		"another number":  key.Pseudonym("log", []byte("447700900002")),
		"another purpose": key.Pseudonym("cdr", number),
		"another key":     Generate().Pseudonym("log", number),
	} {
		if other == golden {
			t.Errorf("%s has the same pseudonym", name)
		}
		if len(other) != 16 || strings.ContainsAny(other, "0123456789") {
			t.Errorf("%s: not 16 letters", name)
		}
	}
}

func TestAKeyDoesNotPrint(t *testing.T) {
	key := zeroKey(t)
	asJSON, err := json.Marshal(struct{ K *Key }{key})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(asJSON), key.String(), fmt.Sprintf("%#v", struct{ K *Key }{key})}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, key))
	}
	decimal := strings.Trim(fmt.Sprintf("%d", key.prk[:4]), "[]")
	for _, text := range texts {
		if strings.Contains(text, hex.EncodeToString(key.prk[:4])) || strings.Contains(text, decimal) {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestParse(t *testing.T) {
	hexKey := strings.Repeat("0", 64)
	base64Key := strings.Repeat("A", 43) + "="
	cases := []struct {
		name, content string
		ok            bool
	}{
		{"hex", fileHeader + "\n" + hexKey + "\n", true},
		{"base64", fileHeader + "\n" + base64Key + "\n", true},
		{"line ends of another system", fileHeader + "\r\n" + base64Key + "\r\n", true},
		{"no line end", fileHeader + "\n" + hexKey, true},
		{"no header", hexKey + "\n", false},
		{"another header", "maskline key v2\n" + hexKey + "\n", false},
		{"header alone", fileHeader, false},
		{"two digits", fileHeader + "\n00", false},
		{"short hex", fileHeader + "\n" + hexKey[2:] + "\n", false},
		{"long hex", fileHeader + "\n" + hexKey + "00\n", false},
		{"short base64", fileHeader + "\n" + base64Key[4:] + "\n", false},
		{"two keys", fileHeader + "\n" + hexKey + "\n" + hexKey + "\n", false},
		{"empty", "", false},
		{"huge", fileHeader + "\n" + hexKey + strings.Repeat("\n", 5000), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			key, err := Parse([]byte(c.content))
			if !c.ok {
				if !errors.Is(err, ErrFile) || key != nil {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil || key.Pseudonym("x", nil) != zeroKey(t).Pseudonym("x", nil) {
				t.Fatalf("another key, %v", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(zeros))
	f.Add([]byte(fileHeader + "\n" + strings.Repeat("A", 43) + "=\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if key, err := Parse(content); (key == nil) == (err == nil) {
			t.Fatal("neither key nor fault, or both")
		}
	})
}

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "master.key")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a missing file: %v", err)
	}
	// Processes that start together.
	var group sync.WaitGroup
	var mu sync.Mutex
	names, makers := map[string]bool{}, 0
	for range 8 {
		group.Go(func() {
			key, created, err := LoadOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			names[key.Pseudonym("x", nil)] = true
			if created {
				makers++
			}
		})
	}
	group.Wait()
	if len(names) != 1 || makers != 1 {
		t.Fatalf("%d keys made by %d", len(names), makers)
	}
	if names[zeroKey(t).Pseudonym("x", nil)] {
		t.Fatal("the key is not random")
	}
	for file, mode := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("%d files left, %v", len(left), err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644, 0o601} {
		path := filepath.Join(t.TempDir(), "master.key")
		if err := os.WriteFile(path, []byte(zeros), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, _, err := LoadOrCreate(path); !errors.Is(err, ErrMode) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	if _, _, err := LoadOrCreate(t.TempDir()); !errors.Is(err, ErrFile) {
		t.Errorf("a folder: %v", err)
	}
	path := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadOrCreate(path); !errors.Is(err, ErrFile) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a file without key: %v", err)
	}
}

func BenchmarkSeal(b *testing.B) {
	box := Generate().Box("bench")
	plain, place, dst := make([]byte, 200), make([]byte, 8), make([]byte, 0, 400)
	b.ReportAllocs()
	for b.Loop() {
		dst = box.Seal(dst[:0], plain, place)
	}
}

func BenchmarkPseudonym(b *testing.B) {
	key := Generate()
	number := []byte("447700900001")
	b.ReportAllocs()
	for b.Loop() {
		_ = key.Pseudonym("log", number)
	}
}

func TestPermutationFindsWhatItHid(t *testing.T) {
	key := Generate()
	p := key.Permutation("a")
	for _, v := range []uint64{0, 1, 1 << 53, 1<<64 - 1} {
		hidden := p.Hide(v)
		found := hidden
		if got, ok := p.Undo(&found); !ok || got != v {
			t.Errorf("%d: found %d, %v", v, got, ok)
		}
		if p.Hide(v) != hidden || key.Permutation("b").Hide(v) == hidden || Generate().Permutation("a").Hide(v) == hidden {
			t.Error("equal under one key and purpose only")
		}
		hidden[0] ^= 1
		if _, ok := p.Undo(&hidden); ok {
			t.Error("an altered one was found")
		}
	}
	seen := map[uint64]bool{}
	data := make([]byte, 64)
	for n := range len(data) + 1 {
		seen[p.Digest(data[:n])] = true
	}
	if len(seen) != len(data)+1 || p.Digest(data) != p.Digest(slices.Clone(data)) {
		t.Errorf("%d digests of %d inputs", len(seen), len(data)+1)
	}
}
