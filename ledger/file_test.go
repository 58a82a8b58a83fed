package ledger

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// scan looks for secrets in all files below dir; it returns how many octets it
// read and the names of files that show one.
func scan(t *testing.T, dir string, secrets [][]byte) (octets int, showing []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		octets += len(content)
		for _, secret := range secrets {
			if bytes.Contains(content, secret) {
				showing = append(showing, entry.Name())
			}
		}
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", entry.Name(), info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return octets, showing
}

func TestTheFileShowsNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir})
	var secrets [][]byte
	for i := range 2000 {
		s := submission(i)
		l.Sent(s)
		for _, text := range []string{s.Source.Digits, s.Destination.Digits, s.RemoteID} {
			secrets = append(secrets, []byte(text))
		}
		if i < 200 {
			holdAll(t, l, receipt(i))
			secrets = append(secrets, []byte(receipt(i).Destination.Digits))
		}
	}
	if _, showing := scan(t, dir, secrets); len(showing) > 0 {
		t.Errorf("while it is open %v show a number", showing)
	}
	closeIt(t, l)
	octets, showing := scan(t, dir, secrets)
	if len(showing) > 0 {
		t.Errorf("%v show a number", showing)
	}
	if octets < 2000*50 {
		t.Fatalf("only %d octets were written", octets)
	}
	// The scan finds what is not sealed.
	if err := os.WriteFile(filepath.Join(dir, "planted"), []byte("x"+submission(7).Source.Digits), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, showing := scan(t, dir, secrets); len(showing) != 1 || showing[0] != "planted" {
		t.Fatalf("the scan finds %v", showing)
	}
}
