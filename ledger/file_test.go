package ledger

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestTheFileShowsNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Config{Dir: dir})
	for i := range 2000 {
		l.Sent(submission(i))
		if i < 200 {
			holdAll(t, l, receipt(i))
		}
	}
	scan := func() (octets int) {
		t.Helper()
		secrets := [][]byte{[]byte("shop"), []byte("alfa"), []byte("Shöp")}
		for i := range 2000 {
			for _, text := range []string{submission(i).Source.Digits, submission(i).Destination.Digits, submission(i).RemoteID} {
				secrets = append(secrets, []byte(text))
			}
		}
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
					t.Errorf("%s shows %d octets of a submission", entry.Name(), len(secret))
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
		return octets
	}
	scan() // with its WAL
	closeIt(t, l)
	if octets := scan(); octets < 2000*50 {
		t.Fatalf("only %d octets were written", octets)
	}
	// The scan finds what is not sealed.
	if err := os.WriteFile(filepath.Join(dir, "planted"), []byte("x"+submission(7).Source.Digits), 0o600); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "planted"))
	if err != nil || !bytes.Contains(content, []byte(submission(7).Source.Digits)) {
		t.Fatal("the scan would find nothing")
	}
}
