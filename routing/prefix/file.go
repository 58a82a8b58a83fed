package prefix

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// File keeps a table: the CSV of Export and one last line with the instant of its
// import and the SHA-256 of all before.
type File string

const (
	trailer = "#imported,"
	maxFile = 1 << 30
)

// ErrFile says that a file is not as Save has left it.
var ErrFile = errors.New("the file of prefixes is damaged; import the prefixes again, or remove it")

// Load reads the file; where there is none, the table is empty.
func (f File) Load(ctx context.Context) (*Table, error) {
	t, err := f.load(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return &Table{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("loading the prefixes: %w", err)
	}
	return t, nil
}

func (f File) load(ctx context.Context) (*Table, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	start := bytes.LastIndex(text, []byte("\n"+trailer)) + 1
	last, whole := strings.CutSuffix(string(text[start:]), "\n")
	body := text[:start]
	said, sum, found := strings.Cut(strings.TrimPrefix(last, trailer), ",sha256,")
	at, err := time.Parse(time.RFC3339, said)
	if start == 0 || len(text) > maxFile || !whole || !found || err != nil || sum != checksum(body) {
		return nil, ErrFile
	}
	t, err := Import(ctx, bytes.NewReader(body), nil)
	if err != nil {
		return nil, err
	}
	t.Imported = at
	return t, nil
}

func checksum(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Save replaces the file as a whole, so that a crash leaves the old one or the new
// one.
func (f File) Save(_ context.Context, t *Table) error {
	next, err := os.OpenFile(string(f)+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("saving the prefixes: %w", err)
	}
	err = errors.Join(write(next, t), next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), string(f))
	}
	if err == nil {
		err = syncFolder(filepath.Dir(string(f)))
	}
	if err != nil {
		return fmt.Errorf("saving the prefixes: %w", err)
	}
	return nil
}

func write(w io.Writer, t *Table) error {
	sum, out := sha256.New(), bufio.NewWriterSize(w, 64<<10)
	if err := t.Export(io.MultiWriter(out, sum)); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s%s,sha256,%x\n", trailer, t.Imported.UTC().Format(time.RFC3339), sum.Sum(nil)) // Flush returns its error
	return out.Flush()
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
