package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	fileHeader = "maskline key v1"
	maxFile    = 1 << 10
)

// Faults of a key file. They never hold what stands in it.
var (
	ErrFile = errors.New("the key file does not hold the line \"" + fileHeader + "\" and 32 octets in hex or base64")
	ErrMode = errors.New("the key file is readable by others than its owner; chmod 600 it, " +
		"and replace the key if others had access")
)

// Parse reads the content of a key file.
func Parse(content []byte) (*Key, error) {
	header, rest, _ := bytes.Cut(content, []byte("\n"))
	text := bytes.TrimSpace(rest)
	if string(bytes.TrimRight(header, "\r")) != fileHeader || len(content) > maxFile {
		return nil, ErrFile
	}
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.Strict().DecodeString} {
		if secret, err := decode(string(text)); err == nil && len(secret) == keySize {
			return newKey(secret), nil
		}
	}
	return nil, ErrFile
}

// Load reads a key file. One that others may read is refused.
func Load(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, ErrFile
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ErrMode
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	return Parse(content)
}

// LoadOrCreate reads the key file, or makes it with a random key and mode 0600
// where there is none; its folder is made with mode 0700. Of several that
// create it at once all get the same key.
func LoadOrCreate(path string) (key *Key, created bool, err error) {
	key, err = Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if created, err = create(path); err != nil {
		return nil, false, fmt.Errorf("creating the key file: %w", err)
	}
	key, err = Load(path)
	return key, created, err
}

// create writes a whole file beside path and links it there, so that no one
// ever reads a part and none is overwritten.
func create(path string) (bool, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link stays
	if err := write(f); err != nil {
		return false, err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, syncDir(dir)
}

// NewSecret is the content of a key file with a new random key.
func NewSecret() []byte {
	return fmt.Appendf(nil, "%s\n%s\n", fileHeader, hex.EncodeToString(randomSecret()))
}

func write(f *os.File) error {
	_, err := f.Write(NewSecret())
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
